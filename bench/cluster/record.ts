import { createWriteStream } from 'node:fs'
import { once } from 'node:events'

/**
 * * What the applications of publishers and clients did and saw, one JSON array a line, in that order. Consecutive
 * * messages without a hole are one line, which keeps the record of a million messages small.
 *
 * - `follows` client topic: it subscribed before anything was published
 * * - `sent` topic n: the publisher used the numbers up to n, in that order
 * * - `applied` topic from to · `refused` topic n why · `unknown` topic n at: the outcomes of its publishes
 * * - `got` client topic from to offset at until silence: messages from…to, the first at that offset, between those
 * times,
 * *   with the longest pause between two messages
 * - `gap` client topic from to reason at · `live` client at · `away` client at · `closed` client by at · `dial` client
 * *   at · `broke` client code reason at: a leg that ended otherwise than through its client · `error` client text
 * * - `latency` sorted milliseconds from publish to delivery: the median of each hundredth
 */
export type Line =
  | readonly ['follows', string, string]
  | readonly ['sent', string, number]
  | readonly ['applied', string, number, number]
  | readonly ['refused', string, number, string]
  | readonly ['unknown', string, number, number]
  | readonly ['got', string, string, number, number, number, number, number, number]
  | readonly ['gap', string, string, number | null, number | null, string, number]
  | readonly ['live' | 'away' | 'dial', string, number]
  | readonly ['closed', string, string, number]
  | readonly ['broke', string, number, string, number]
  | readonly ['error', string, string]
  | readonly ['latency', readonly number[]]

export interface Recorder {
  write(line: Line): void
  end(): Promise<void>
}

export function createRecorder(path: string): Recorder {
  const stream = createWriteStream(path)
  let text = ''
  return {
    write(line) {
      text += `${JSON.stringify(line)}\n`
      if (text.length < 64 * 1024) return
      stream.write(text)
      text = ''
    },
    async end() {
      stream.end(text)
      await once(stream, 'finish')
    },
  }
}
