import { isTime, tokenProblem } from './token-answer.js'
import type { TokenSchedule } from './token-schedule.js'

/** Why a token provider was called. */
export type TokenReason = 'first' | 'scheduled' | 'rejected' | 'requested' | 'wake'

/**
 * What the tabs of one browser tell each other about their shared token. `session` counts sign-outs, and messages of
 * another `session` are ignored. The token itself is sent only between tabs of one origin, any of which can ask for it
 * anyway, and is never written to storage.
 */
export type TokenNews =
  /** `generation` is that of the asking tab's unusable token; older versions omit it. */
  | { readonly kind: 'ask'; readonly session: number; readonly generation?: number }
  | SharedToken
  /** The provider failed: no tab calls it for `delay` milliseconds. */
  | { readonly kind: 'wait'; readonly session: number; readonly failures: number; readonly delay: number }
  | { readonly kind: 'ended'; readonly session: number; readonly reason: string }

export interface SharedToken {
  readonly kind: 'token'
  readonly session: number
  /** Increases with every new token: of two tokens, the one with the higher number is in force. */
  readonly generation: number
  readonly token: string
  readonly reason: TokenReason
  /**
   * `age`: milliseconds from the start of the request to the sending of this message. `at`: that moment on the wall
   * clock, which the tabs share.
   */
  readonly age: number
  readonly at: number
  /**
   * Drawn once, by the tab that fetched the token. If every tab drew its own, the earliest of many draws would decide.
   */
  readonly schedule: TokenSchedule
  /** Milliseconds after which the login session itself is over. */
  readonly sessionLeft?: number
}

const REASONS: readonly unknown[] = ['first', 'scheduled', 'rejected', 'requested', 'wake'] satisfies TokenReason[]

type Fields = { readonly [Field in keyof SharedToken | 'failures' | 'delay']?: unknown }

/**
 * What another tab sent, or null if it is not valid: any script of the origin, and any older version of this library,
 * can post.
 */
export function readTokenNews(message: unknown): TokenNews | null {
  const news = Object(message) as Fields
  return isCount(news.session) && isSound(news) ? (news as TokenNews) : null
}

function isSound(news: Fields): boolean {
  switch (news.kind) {
    case 'ask':
      return news.generation === undefined || isCount(news.generation)
    case 'wait':
      return isCount(news.failures) && isTime(news.delay)
    case 'ended':
      return typeof news.reason === 'string'
    case 'token':
      return (
        isCount(news.generation) &&
        tokenProblem(news.token) === null &&
        REASONS.includes(news.reason) &&
        isTime(news.age) &&
        isTime(news.at) &&
        isSchedule(news.schedule) &&
        (news.sessionLeft === undefined || isTime(news.sessionLeft))
      )
    default:
      return false
  }
}

function isSchedule(value: unknown): boolean {
  const { lifetime, due, earliest, dead } = Object(value) as TokenSchedule
  return [lifetime, due, earliest, dead].every(isTime) && earliest <= due && due <= dead && dead <= lifetime
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
