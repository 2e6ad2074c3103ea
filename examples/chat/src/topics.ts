/** The topics, and the data published to them. */
export type Topics = { [room: `room:${string}`]: { text: string } }

/** The requests that the server answers. */
export interface Methods {
  about(ask: { room: string }): { messages: number; members: number }
}

/** The data of a member's presence, and of a signal, which is not stored. */
export type Mood = { away: boolean }
export type Signal = { typing: boolean }
