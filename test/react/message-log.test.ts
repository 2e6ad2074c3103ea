import { describe, expect, it } from 'vitest'
import { appendTo, emptyLog, lastOf, type MessageLog } from '../../src/react/message-log.js'

describe('a message log', () => {
  it('changes no log that it grew out of, whichever of them grows', () => {
    let log: MessageLog<number> = emptyLog
    const logs: MessageLog<number>[] = []
    for (let entry = 0; entry < 50; entry++) logs.push((log = appendTo(log, entry, 5)))
    for (const [entry, older] of logs.entries()) {
      expect(lastOf(appendTo(older, -1, 5), 5)).toEqual([...lastOf(older, 4), -1])
      expect(lastOf(older, 5)).toEqual([4, 3, 2, 1, 0].flatMap((back) => (entry >= back ? [entry - back] : [])))
    }
    expect(lastOf(emptyLog, 5)).toEqual([])
  })

  it('keeps no more than twice its limit', () => {
    let log: MessageLog<number> = emptyLog
    for (let entry = 0; entry < 1_000; entry++) {
      log = appendTo(log, entry, 10)
      expect(log.kept.length).toBeLessThanOrEqual(20)
    }
  })
})
