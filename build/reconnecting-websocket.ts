import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import MagicString from 'magic-string'
import { parseAst, type Plugin } from 'vite'

const SOURCE = join(
  dirname(createRequire(import.meta.url).resolve('reconnecting-websocket/package.json')),
  'reconnecting-websocket.ts',
)

/**
 * Members of the library that a leg does not use. Only `legs/leg.ts` knows the library. A leg dials once, without
 * delay: it has no retries, no queue, no time limit and no listeners but the `on…` handlers. It hears nothing of a
 * socket whose end was reported, and asks the socket itself for its properties. Bundlers remove functions that nobody
 * calls, but never a method.
 */
const UNUSED: ReadonlySet<unknown> = new Set([
  ...['retryCount', 'extensions', 'url', 'reconnect', '_debug', '_getNextUrl', 'bufferedAmount'],
  ...['protocol', 'readyState', 'binaryType', '_binaryType'],
  ...['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'],
  ...['addEventListener', 'removeEventListener', 'dispatchEvent', '_callEventListener', '_listeners'],
  ...['_retryCount', '_getNextDelay', '_shouldReconnect', '_connectLock', '_acceptOpen', '_uptimeTimeout'],
  ...['_connectTimeout', '_handleTimeout', '_clearTimeouts', '_messageQueue'],
  ...['_removeListeners', '_disconnect'],
])

/** Replacements for code that uses such a member, or checks what a leg always provides. */
const INSTEAD: readonly (readonly [text: RegExp, instead: string])[] = [
  [/setTimeout\(resolve, this\._getNextDelay\(\)\)/, 'setTimeout(resolve)'],
  [/\.then\(\(\) => this\._getNextUrl\(this\._url\)\)/, '.then(() => this._url)'],
  [/this\.OPEN/, '1'],
  [/this\.CLOSED/, '3'],
  // Our leg receives the error itself, and closes the socket.
  [/this\._disconnect\(undefined, event\.message === 'TIMEOUT' \? 'timeout' : undefined\);/, ''],
  [/this\._options\.startClosed\s+\? ReconnectingWebSocket\.CLOSED\s+: ReconnectingWebSocket\.CONNECTING/, '0'],
  [/if \(this\._options\.startClosed\) \{\s+this\._shouldReconnect = false;\s+\}/, ''],
  [/const \{maxEnqueuedMessages = DEFAULT\.maxEnqueuedMessages\} = this\._options;/, ''],
  [/const \{minUptime = DEFAULT\.minUptime\} = this\._options;/, ''],
  [/const \{\s+maxRetries[^}]+\} = this\._options;/, 'const {WebSocket} = this._options;'],
  [/if \(!isWebSocket\(WebSocket\)\) \{\s+throw[^}]+\}/, ''],
  [/const DEFAULT = \{[^}]+\};/, ''],
  // A failed leg is dialled again by the code that made it.
  [/\s+this\._connect\(\);(?=\s+\};)/, ''],
]

/**
 * reconnecting-websocket, compiled from the source in its package, without what no leg uses. The package's own build is
 * made for browsers without classes, is five times as large, and makes 290 bytes of garbage with each message.
 */
export function leanReconnectingWebSocket(): Plugin {
  return {
    name: 'lean-reconnecting-websocket',
    enforce: 'pre',
    // Any other import of the package, such as the demo's, gets all of it.
    resolveId: (id, importer) =>
      id === 'reconnecting-websocket' && importer?.endsWith('/src/legs/leg.ts') ? SOURCE : null,
    transform(code, id) {
      if (id !== SOURCE) return null
      const lean = new MagicString(
        INSTEAD.reduce((text, [part, instead]) => {
          if (!part.test(text)) this.error(`${SOURCE} does not have ${part}`)
          return text.replace(
            part,
            (whole, kept?: unknown) =>
              // As many lines as before, for the source map.
              instead.replace('$1', String(kept)) + '\n'.repeat(whole.split('\n').length - 1),
          )
        }, code),
      )
      // The library's own members. The plugin for short names does not touch packages.
      const own = new Map<string, string>()
      lean.replace(/\b_[a-z]\w+/gi, (name) => {
        const short = own.get(name) ?? `_${own.size.toString(36)}`
        own.set(name, short)
        return short
      })
      for (const { start, end } of unused(parseAst(lean.original, { lang: 'ts' }))) lean.remove(start, end)
      return { code: lean.toString(), map: lean.generateMap({ hires: true }) }
    },
  }
}

interface Part {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly key?: { readonly name?: string }
  readonly test?: unknown
  readonly object?: { readonly type?: string }
  readonly property?: { readonly name?: string }
}

/**
 * Members with those names, and the statements about them. Within a statement's functions, only the statements about
 * them.
 */
function unused(part: unknown): Part[] {
  if (typeof part !== 'object' || part === null) return []
  const { type, key, test } = part as Part
  const drop =
    ((type === 'MethodDefinition' || type === 'PropertyDefinition') && UNUSED.has(key?.name)) ||
    ((type === 'ExpressionStatement' || type === 'VariableDeclaration') && mentions(part)) ||
    (type === 'IfStatement' && mentions(test))
  return drop ? [part as Part] : Object.values(part).flatMap(unused)
}

function mentions(part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return false
  const { type, object, property } = part as Part
  if (type === 'BlockStatement') return false
  return (object?.type === 'ThisExpression' && UNUSED.has(property?.name)) || Object.values(part).some(mentions)
}
