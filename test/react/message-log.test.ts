import { expect, it } from 'vitest'
import { appendTo, type MessageLog } from '../../src/react/message-log.js'

it('a message log is a new object for every message, has the newest messages, and keeps at most twice its limit in memory', () => {
  let log: MessageLog<number> | null = null
  for (let entry = 0; entry < 1_000; entry++) {
    const next: MessageLog<number> = appendTo(log, entry, 10)
    expect(next).not.toBe(log)
    log = next
    expect(log.kept.slice(-10)).toEqual(
      [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].flatMap((back) => (entry >= back ? [entry - back] : [])),
    )
    expect(log.kept.length).toBeLessThanOrEqual(20)
  }
})
