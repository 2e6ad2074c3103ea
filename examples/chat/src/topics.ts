/** Topics and what is published to them. */
export type Topics = { [room: `room:${string}`]: { text: string } }

/** What can be asked. */
export interface Methods {
  about(ask: { room: string }): { messages: number; members: number }
}

/** What a member says of itself; and what is said in passing, and kept nowhere. */
export type Mood = { away: boolean }
export type Signal = { typing: boolean }
