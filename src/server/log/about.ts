import type { Json } from './topic-log.js'

/** What is kept with a client's publish: the session that gets its `id` back, and the `by` that receivers are told. */
export interface About {
  readonly session?: string
  readonly id?: string
  readonly by?: unknown
}

const NOTHING: About = {}

export function aboutText({ session, id, by }: About): Json {
  return JSON.stringify([session, id, ...(by === undefined ? [] : [by])])
}

export function aboutOf(text: Json | undefined): About {
  if (text === undefined) return NOTHING
  try {
    const [session, id, by] = JSON.parse(text) as [string, string, unknown]
    return { session, id, ...(by === undefined ? undefined : { by }) }
  } catch {
    // Written by another program that shares the log.
    return NOTHING
  }
}
