import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'

export interface InitDeps {
  /** The folder of the application that is copied. */
  readonly template: string
  /** The version of this package. */
  readonly version: string
  print(line: string): void
}

/** Folders that the application generates, which are not copied. */
const MADE = new Set(['dist', 'node_modules'])

/** Copies the example application into a folder that is empty or does not exist. Returns the exit code. */
export function init(words: readonly string[], { template, version, print }: InitDeps): 0 | 2 {
  const [given = 'chat', ...more] = words
  if (more.length > 0 || given.startsWith('-')) {
    print('livesocket init takes the name of a folder, and nothing else. Default: chat.')
    return 2
  }
  const folder = resolve(given)
  try {
    mkdirSync(folder, { recursive: true })
    if (readdirSync(folder).length > 0) {
      print(`${folder} is not empty: name another folder.`)
      return 2
    }
    cpSync(template, folder, { recursive: true, filter: (path) => path === template || !MADE.has(basename(path)) })
    const file = join(folder, 'package.json')
    const about = JSON.parse(readFileSync(file, 'utf8')) as { name: string; dependencies: Record<string, string> }
    about.name =
      basename(folder)
        .toLowerCase()
        .replace(/[^a-z0-9._-]+/g, '-')
        .replace(/^[._-]+/, '') || 'chat'
    about.dependencies['livesocket'] = `^${version}`
    writeFileSync(file, `${JSON.stringify(about, null, 2)}\n`)
  } catch (error) {
    print(`${folder} cannot be written: ${(error as Error).message}`)
    return 2
  }
  const there = /^[\w./\\:~-]+$/.test(given) ? given : `"${given}"`
  print(`A chat with LiveSocket is in ${folder}. Now:\n\n  cd ${there}\n  npm install\n  npm run build && npm start\n`)
  return 0
}
