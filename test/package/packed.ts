import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

/** The package as npm would publish it, and two applications outside of this repository that have installed it. */
export interface Packed {
  readonly tarball: string
  /** Paths in the tarball: `dist/index.js`. */
  readonly files: readonly string[]
  /** Has the package alone, without any optional peer. */
  readonly bare: string
  /** Has the peers too. */
  readonly full: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    packed: Packed
  }
}

const root = join(import.meta.dirname, '..', '..')

function npm(folder: string, ...args: string[]): string {
  // On Windows npm is a script that only a shell can start.
  const { status, stdout, stderr } = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}

export default function setup(project: TestProject) {
  npm(root, 'run', 'build')
  const home = mkdtempSync(join(tmpdir(), 'livesocket-package-'))
  const [pack] = JSON.parse(npm(root, 'pack', '--json', '--ignore-scripts', '--pack-destination', home)) as [
    { filename: string; files: { path: string }[] },
  ]
  const tarball = join(home, pack.filename)

  const { peerDependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >
  const peers = Object.keys(peerDependencies!)
  const types = peers.map((name) => `@types/${name}`)
  const wanted = ['@types/node', ...peers, ...types].filter((name) => devDependencies![name])

  const install = (name: string, ...packages: string[]) => {
    const folder = join(home, name)
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
    npm(folder, 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...packages)
    return folder
  }
  project.provide('packed', {
    tarball,
    files: pack.files.map(({ path }) => path),
    bare: install('bare'),
    full: install('full', ...wanted.map((name) => `${name}@${devDependencies![name]}`)),
  })
  return () => rmSync(home, { recursive: true, force: true })
}
