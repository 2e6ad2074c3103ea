import { systemClock, type Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { escaped } from '../base/invalid.js'
import { isPromise } from './maybe-promise.js'

/** See `LiveServerOptions.onError`. */
export type OnError = (error: unknown, doing: string) => void

/** A kind of error that continues is printed again after this many milliseconds, and at its 10th, 100th, … time. */
const AGAIN = 60_000
const MOST = { kinds: 100, characters: 1_000, frames: 10, causes: 3 }

/**
 * The application's `onError`, or the printer. If the application's function throws, its error is printed and goes no
 * further.
 */
export function createReport(given: OnError | undefined, clock?: Clock): OnError {
  const print = createPrinter(clock)
  return given
    ? (error, doing) =>
        callOut(
          () => given(error, doing),
          (thrown) => print(thrown, 'telling onError of an error'),
        )
    : print
}

/**
 * Calls a function of the application whose answer nobody waits for. What it throws or rejects with goes to `failed`.
 */
export function callOut(call: () => unknown, failed: (thrown: unknown) => void): void {
  try {
    const result = call()
    if (isPromise(result)) Promise.resolve(result).catch(failed)
  } catch (thrown) {
    failed(thrown)
  }
}

/**
 * Prints each kind of error once, and from then on how often it happened: a database that is away fails every publish.
 * A kind is what was being done, with the error's name and code. Everything is escaped, because it contains names and
 * words of clients: one line cannot pass for another.
 */
export function createPrinter(
  clock: Clock = systemClock,
  print: (text: string) => void = (text) => console.error(text),
): OnError {
  /** In the order in which they were last printed. */
  const kinds = new Map<string, { count: number; readonly since: number; printedAt: number }>()

  return (error, doing) => {
    const now = clock.monotonic()
    const key = kindOf(error, doing)
    const kind = kinds.get(key) ?? { count: 0, since: now, printedAt: -Infinity }
    kinds.set(key, kind)
    const told = ++kind.count
    if (now - kind.printedAt < AGAIN && !/^10+$/.test(String(told))) return
    kind.printedAt = now
    kinds.delete(key)
    kinds.set(key, kind)
    for (const oldest of kinds.keys()) {
      if (kinds.size <= MOST.kinds) break
      kinds.delete(oldest)
    }
    const line = `livesocket: ${clipped(doing)}: ${wordsOf(error)}`
    print(
      told === 1
        ? [line, ...framesOf(error)].join('\n')
        : `${line} (${told} times in ${Math.round((now - kind.since) / 1_000)} s)`,
    )
  }
}

/** What was being done, without the quoted names in it: clients can make up any number of names. */
function kindOf(error: unknown, doing: string): string {
  const { name, code } = fieldsOf(error)
  return [doing.replace(/"(?:[^"\\]|\\.)*"/g, '…'), name, code].join('|')
}

function fieldsOf(error: unknown): { name: string; code: string; message: string; cause: unknown } {
  const fallback = { name: typeof error, code: '', message: '', cause: undefined }
  try {
    if (!(error instanceof Error)) return { ...fallback, message: String(error) }
    const { name, message, cause } = error
    const { code, errors } = error as { code?: unknown; errors?: unknown }
    // For a host with several addresses: the first of the errors, one for each address.
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined
    return {
      name: String(name),
      code: typeof code === 'string' ? code : '',
      message: String(message),
      cause: cause ?? first,
    }
  } catch {
    return { ...fallback, message: 'an error that cannot be read' }
  }
}

function wordsOf(error: unknown): string {
  const words: string[] = []
  for (let at = error; at !== undefined && words.length < MOST.causes; at = fieldsOf(at).cause) {
    const { name, code, message } = fieldsOf(at)
    words.push(clipped(`${name}${code === '' ? '' : ` (${code})`}: ${message}`))
  }
  return words.join('; because of ')
}

/** Where the application threw it. Errors of LiveSocket explain themselves, so they need no stack. */
function framesOf(error: unknown): string[] {
  try {
    if (!(error instanceof Error) || error instanceof LiveSocketError) return []
    const { stack, message } = error
    // The message comes first in the stack, and can look like a frame.
    const frames = stack!.slice(stack!.indexOf(message) + message.length).split('\n')
    return frames
      .filter((line) => /^\s+at /.test(line))
      .slice(0, MOST.frames)
      .map(clipped)
  } catch {
    return []
  }
}

function clipped(text: string): string {
  return escaped(text.length > MOST.characters ? `${text.slice(0, MOST.characters)}…` : text)
}
