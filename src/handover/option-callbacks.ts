import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import type { UrlAsk } from '../options/options.js'
import { dialUrl, type Settings } from '../options/settings.js'

type Report = (error: LiveSocketError) => void

/** What the application says of a close; undefined where it says nothing, or nothing that can be used. */
export function askOnClose(
  onClose: Settings['onClose'],
  close: { code: number; reason: string },
  report: Report,
): 'retry' | 'stop' | undefined {
  if (!onClose) return undefined
  try {
    const answer = onClose(close)
    if (answer === 'retry' || answer === 'stop' || answer === undefined) return answer
    throw new LiveSocketError(
      'invalid',
      explain`onClose must return "retry", "stop" or undefined; the protocol's table decided instead.`,
    )
  } catch (thrown) {
    report(asError(thrown, explain`onClose threw; the protocol's table decided instead.`))
    return undefined
  }
}

/** Where the application wants this dial to go. Rejects, having reported why, where it cannot be told. */
export async function askUrl(url: Settings['url'], ask: UrlAsk, report: Report): Promise<URL> {
  try {
    return dialUrl(typeof url === 'function' ? await url(ask) : url)
  } catch (thrown) {
    if (!ask.signal.aborted)
      report(asError(thrown, explain`The url function threw; the dial failed and is tried again.`))
    throw new LiveSocketError('invalid', 'no URL to dial')
  }
}

function asError(thrown: unknown, message: string): LiveSocketError {
  return thrown instanceof LiveSocketError ? thrown : new LiveSocketError('invalid', message, { cause: thrown })
}
