import { readFileSync } from 'node:fs'
import { cpus, platform, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'

/** What the numbers depend on besides the code. */
export interface Machine {
  readonly processor: string
  readonly memory: string
  readonly system: string
  readonly node: string
  /** The versions of everything that is measured. */
  readonly versions: Readonly<Record<string, string>>
}

const MEASURED = [
  'reconnecting-websocket',
  'partysocket',
  'phoenix',
  'graphql-ws',
  'socket.io-client',
  'socket.io',
  '@trpc/client',
  '@microsoft/signalr',
  'centrifuge',
  'ws',
  'react',
]

export function machine(livesocket: Readonly<Record<string, string>>): Machine {
  const versions = MEASURED.map((name) => [name, versionOf(name)] as const)
  return {
    processor: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    versions: { ...livesocket, ...Object.fromEntries(versions) },
  }
}

/** Reads the file from disk, because some packages do not export their package.json. */
function versionOf(name: string): string {
  const { resolve } = createRequire(import.meta.url)
  for (let folder = dirname(resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string
        version?: string
      }
      if (manifest.name === name && manifest.version) return manifest.version
    } catch {
      // The package is in a folder further up.
    }
  }
  return 'unknown'
}

export function machineLine({ processor, memory, system, node }: Machine): string {
  return `${processor}, ${memory}, ${system}, Node ${node}`
}
