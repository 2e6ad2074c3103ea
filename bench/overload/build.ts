import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../kit/root.js'

/** The build of LiveSocket that a program runs: this project's sources, or the built `dist` of another folder. */
export const PRESENT = 'present'

export async function clientOf(build: string): Promise<typeof import('../../src/index.js')> {
  return build === PRESENT ? import('../../src/index.js') : imported(build, 'index.js')
}

export async function serverOf(build: string): Promise<typeof import('../../src/server/index.js')> {
  return build === PRESENT ? import('../../src/server/index.js') : imported(build, 'server/index.js')
}

export async function redisOf(build: string): Promise<typeof import('../../src/server/redis/index.js')> {
  return build === PRESENT ? import('../../src/server/redis/index.js') : imported(build, 'server/redis/index.js')
}

/** Throws an error with a sentence if nothing is built there. */
export function builtFolder(given: string): string {
  const folder = resolve(ROOT, given)
  if (existsSync(join(folder, 'dist/index.js'))) return folder
  throw new Error(`--baseline: ${given} must be a folder with a built dist.`)
}

function imported<Module>(folder: string, file: string): Promise<Module> {
  return import(pathToFileURL(join(folder, 'dist', file)).href) as Promise<Module>
}
