import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import MagicString from 'magic-string'
import { parseAst, type Plugin } from 'vite'

const SOURCE = join(
  dirname(createRequire(import.meta.url).resolve('reconnecting-websocket/package.json')),
  'reconnecting-websocket.ts',
)

/**
 * What a leg never asks of the library. It is known by `legs/leg.ts` alone; bundlers leave out functions that nobody
 * calls, and never a method.
 */
const UNCALLED = new Set([
  'retryCount',
  'extensions',
  'url',
  'reconnect',
  'addEventListener',
  'removeEventListener',
  'dispatchEvent',
  '_debug',
])

/**
 * reconnecting-websocket from the source that its package brings along. What it publishes is made for browsers without
 * classes, and weighs twice as much: helpers for inheritance, the log of its debug option, methods that nothing here
 * calls.
 */
export function leanReconnectingWebSocket(): Plugin {
  return {
    name: 'lean-reconnecting-websocket',
    enforce: 'pre',
    config: () => ({ resolve: { alias: { 'reconnecting-websocket': SOURCE } } }),
    transform(code, id) {
      if (id !== SOURCE) return null
      const lean = new MagicString(code)
      for (const { start, end } of uncalled(parseAst(code, { lang: 'ts' }))) lean.remove(start, end)
      return { code: lean.toString(), map: lean.generateMap({ hires: true }) }
    },
  }
}

interface Part {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly key?: { readonly name?: string }
  readonly expression?: { readonly callee?: { readonly property?: { readonly name?: string } } }
}

/** Methods that nobody calls, and calls of its log, which never speaks. */
function uncalled(part: unknown): Part[] {
  if (typeof part !== 'object' || part === null) return []
  const { type, key, expression } = part as Part
  const drop =
    (type === 'MethodDefinition' && UNCALLED.has(key?.name ?? '')) ||
    (type === 'ExpressionStatement' && expression?.callee?.property?.name === '_debug')
  return drop ? [part as Part] : Object.values(part).flatMap(uncalled)
}
