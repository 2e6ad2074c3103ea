import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'
import type { Clock } from '../../base/clock.js'
import { numberOf } from '../bounds.js'
import { invalid, shown } from '../../base/invalid.js'
import type { Drain } from './drain.js'
import type { DrainOptions, DrainResult } from './drain-options.js'

/** How a server finds out that another release has its public address. The rest is as `drain` takes it. */
export interface ReplacedOptions extends Omit<DrainOptions, 'signal'> {
  /** Of `healthEndpoint()` at the public address, `http:` or `https:`. Its answer names the release. */
  readonly url: string
  /** What runs here, such as a version or a commit: the same in all instances, another one in the next release. */
  readonly release: string
  /** Milliseconds between two questions; four times as often while another release answers. Default 5,000. */
  readonly every?: number
}

/** In which the health endpoint names the release. */
export const RELEASE_HEADER = 'livesocket-release'

/** Answers of another release in a row, and none of this one's among them, that make it one for good. */
const ANSWERS = 20
/** How long an answer may take, in milliseconds. */
const PATIENCE = 5_000
/** A header bears these as they are. */
const FITS_A_HEADER = /^[!-~]([ -~]{0,126}[!-~])?$/

export interface ReplacedDeps {
  readonly drain: Pick<Drain, 'start' | 'check' | 'cancel' | 'refusing'>
  readonly clock: Clock
  /** What is named at that address; null where nothing is. Never rejects. */
  readonly ask: (url: string) => Promise<string | null>
  onError(error: unknown, doing: string): void
}

/**
 * Drains once another release answers at the public address for good. Whoever does not answer, or names no release,
 * tells nothing. When this release answers again, as after a swap back, the drain that was begun here is cancelled, and
 * no other; where somebody else has cancelled it, none is begun before that.
 * Returns what stops it, and leaves a drain as it is. Throws `invalid`.
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
  /** What was begun for the release that is there. */
  let mine: Promise<DrainResult> | null = null
  let stopped = false
  let cancel: () => void = () => undefined

  async function look() {
    const answers = await ask(url)
    if (stopped) return
    if (answers !== null) others = answers === release ? 0 : others + 1
    // Once: whoever takes it back wants the legs to stay, whoever is there.
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

/** The release that the answer names; each time on a connection of its own, for one that is kept leads to whom it led. */
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
