import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import type { UrlAsk } from '../options/options.js'
import { dialUrl, type Settings } from '../options/settings.js'
import type { Audience } from './handover.js'

type Reporter = Pick<Audience, 'error' | 'report'>

/** What the application's `onClose` answers; undefined if it answers nothing, or nothing usable. */
export function askOnClose(
  onClose: Settings['onClose'],
  close: { code: number; reason: string },
  reporter: Reporter,
): 'retry' | 'stop' | undefined {
  let answer
  try {
    answer = onClose?.(close)
  } catch (thrown) {
    tellThrown(reporter, explain`onClose threw; the protocol's table decided instead.`, thrown)
  }
  if (answer === 'retry' || answer === 'stop' || answer === undefined) return answer
  reporter.report(explain`onClose must return "retry", "stop" or undefined; the protocol's table decided instead.`)
  return undefined
}

/** The URL to dial, from the application's `url`. If there is none, reports why and rejects. */
export async function askUrl(url: Settings['url'], ask: UrlAsk, reporter: Reporter): Promise<string> {
  try {
    return dialUrl(typeof url === 'function' ? await url(ask) : url)
  } catch (thrown) {
    if (!ask.signal.aborted)
      tellThrown(reporter, explain`The url function threw; the dial failed and is tried again.`, thrown)
    throw new LiveSocketError('invalid', 'no URL to dial')
  }
}

/** A LiveSocketError already says what is wrong. */
function tellThrown(reporter: Reporter, message: string, thrown: unknown) {
  if (thrown instanceof LiveSocketError) reporter.error(thrown)
  else reporter.report(message, thrown)
}
