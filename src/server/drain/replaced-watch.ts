import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import type { Clock } from '../../base/clock.js'
import { numberOf } from '../bounds.js'
import { invalid, shown } from '../../base/invalid.js'
import type { Drain } from './drain.js'
import type { DrainOptions, DrainResult } from './drain-options.js'

/** How a server finds out that another release has taken its public address. The other options are those of `drain`. */
export interface ReplacedOptions extends Omit<DrainOptions, 'signal'> {
  /** The URL of `healthEndpoint()` at the public address, `http:` or `https:`. Its answer names the release. */
  readonly url: string
  /**
   * The release that runs here, such as a version or a commit: the same in all instances, and different in the next
   * release.
   */
  readonly release: string
  /** Milliseconds between two questions; a quarter of that while another release answers. Default 5,000. */
  readonly every?: number
}

/** The header in which the health endpoint names the release. */
export const RELEASE_HEADER = 'livesocket-release'

/** This many answers of other releases in a row, with none of this release among them, count as replaced. */
const ANSWERS = 20
/** Milliseconds that an answer may take. */
const PATIENCE = 5_000
/** Characters that a header transmits unchanged. */
const FITS_A_HEADER = /^[!-~]([ -~]{0,126}[!-~])?$/

export interface ReplacedDeps {
  readonly drain: Pick<Drain, 'start' | 'check' | 'cancel' | 'refusing'>
  readonly clock: Clock
  /** The release named at that address; null if none is. Never rejects. */
  readonly ask: (url: string) => Promise<string | null>
  onError(error: unknown, doing: string): void
}

/**
 * Drains once another release answers reliably at the public address. No answer, or one that names no release, counts
 * for nothing. If this release answers again, as after a swap back, the drain that was started here is cancelled, and
 * no other. If somebody else has cancelled it, none is started before that. Returns a function that stops watching and
 * leaves a drain as it is. Throws `invalid`.
 */
export function watchReplaced(
  { url, release, every: given, ...options }: ReplacedOptions,
  { drain, clock, ask, onError }: ReplacedDeps,
): () => void {
  if (typeof url !== 'string' || !/^https?:\/\/./.test(url) || !URL.canParse(url))
    throw invalid(`drainWhenReplaced: url must be an absolute http: or https: URL, not ${shown(url)}`)
  if (typeof release !== 'string' || !FITS_A_HEADER.test(release))
    throw invalid(
      `drainWhenReplaced: release must be a string of 1 to 128 ASCII characters without blanks at its ends, not ${shown(release)}`,
    )
  const every = numberOf('drainWhenReplaced.every', given)
  const wanted = { reason: 'replaced', ...options }
  drain.check(wanted)
  let others = 0
  /** The drain that was started because of the other release. */
  let mine: Promise<DrainResult> | null = null
  let stopped = false
  let cancel: () => void = () => undefined

  async function look() {
    const answers = await ask(url)
    if (stopped) return
    if (answers !== null) others = answers === release ? 0 : others + 1
    // Started only once: somebody who cancels it wants the legs to stay, whichever release answers.
    if (others >= ANSWERS && !mine && !drain.refusing) {
      mine = drain.start(wanted)
      mine.catch((error: unknown) => onError(error, 'draining, since another release is there'))
    } else if (others === 0 && mine) {
      drain.cancel(mine)
      mine = null
    }
    arm()
  }

  function arm() {
    cancel = clock.setTimeout(() => void look(), others > 0 && !mine ? every / 4 : every)
  }
  arm()

  return () => {
    stopped = true
    cancel()
  }
}

/**
 * The release that the answer names. Each question uses a connection of its own, because a kept one leads to the server
 * that it led to before.
 */
export function releaseAt(url: string): Promise<string | null> {
  return new Promise((resolve) => {
    const get = url.startsWith('https:') ? getHttps : getHttp
    const request = get(url, { agent: false, timeout: PATIENCE }, (response) => {
      response.resume()
      const named = response.headers[RELEASE_HEADER]
      resolve(typeof named === 'string' ? named : null)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(null))
    request.on('close', () => resolve(null))
  })
}
