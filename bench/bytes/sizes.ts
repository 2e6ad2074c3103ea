import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { bundleForPage } from '../kit/compile.js'
import { ENTRIES, PEER_ENTRIES, SCRIPT } from './entries.js'

/** Bytes by name: minified for production and gzipped. */
export type Sizes = Readonly<Record<string, number>>

/** Packages that an application installs itself, which are not counted. */
const PEERS = /^(react(-dom)?|@opentelemetry\/api)(\/|$)/

const packed = (code: string) => gzipSync(code, { level: 9 }).length

export async function bundledSize(folder: string, code: string): Promise<number> {
  return packed(await bundleForPage(folder, code, PEERS))
}

/**
 * * @param folder a folder in which the built package can be imported as `livesocket`
 * * @param names the entries to measure; default all
 */
export async function measureSizes(folder: string, names?: readonly string[]): Promise<Sizes> {
  const sizes: Record<string, number> = {}
  const codes = new Map(ENTRIES.map(({ name, code }) => [name, code]))
  for (const { name, code, over } of ENTRIES) {
    if (names && !names.includes(name)) continue
    const lower = over === undefined ? null : codes.get(over)!
    const whole = await bundledSize(folder, lower === null ? code : `${lower}\n${code}`)
    sizes[name] = whole - (lower === null ? 0 : await bundledSize(folder, lower))
  }
  if (!names || names.includes(SCRIPT.name))
    sizes[SCRIPT.name] = packed(readFileSync(join(folder, 'node_modules/livesocket', SCRIPT.file), 'utf8'))
  return sizes
}

export async function measurePeerSizes(folder: string): Promise<Sizes> {
  const sizes: Record<string, number> = {}
  for (const { name, code } of PEER_ENTRIES) sizes[name] = await bundledSize(folder, code)
  return sizes
}
