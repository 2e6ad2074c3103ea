import { systemClock, type Clock } from '../../src/base/clock.js'
import type { TokenResult } from 'livesocket'

/**
 * A visitor who signs in at the token service. Node's `fetch` keeps no cookies, so this does what a browser does for a
 * page.
 */
export interface Visitor {
  signIn(): Promise<void>
  signOut(): Promise<void>
  /** The `getToken` for `createLiveSocket`. Its first call signs in if that has not happened, later calls never do. */
  getToken(ask?: { readonly signal?: AbortSignal }): Promise<TokenResult>
}

export function createVisitor(service: string, name: string, clock: Clock = systemClock): Visitor {
  let cookie: { text: string; endsAt: number } | null = null
  let known = false

  const post = async (path: string, signal?: AbortSignal): Promise<Response> => {
    if (cookie && cookie.endsAt <= clock.now()) cookie = null
    const response = await fetch(new URL(path, service), {
      method: 'POST',
      ...(signal && { signal }),
      ...(cookie && { headers: { cookie: cookie.text } }),
    })
    for (const line of response.headers.getSetCookie()) {
      const age = Number(/max-age=(\d+)/i.exec(line)?.[1] ?? 0)
      cookie = { text: line.split(';', 1)[0]!, endsAt: clock.now() + age * 1_000 }
    }
    return response
  }

  const signIn = async () => {
    known = true
    const response = await post(`/login?visitor=${encodeURIComponent(name)}`)
    if (!response.ok) throw new Error(`The sign-in was answered ${response.status}.`)
  }

  return {
    signIn,
    async signOut() {
      await post('/logout')
    },
    async getToken({ signal } = {}) {
      if (!known) await signIn()
      const response = await post('/token', signal)
      if (response.status === 401) return { ended: 'the login is over' }
      if (!response.ok) throw new Error(`The token service answered ${response.status}.`)
      return (await response.json()) as { token: string; ttl: number; sessionTtl: number }
    },
  }
}
