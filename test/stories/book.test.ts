import { describe, expect, it } from 'vitest'
import { createBook, startFeed, type Book } from '../../stories/kit/feed.js'
import { createStepClock } from '../kit/step-clock.js'

/** A reader that receives every message of a feed except those that `misses` names. */
function read(messages: number, misses: (offset: number) => boolean) {
  const clock = createStepClock()
  const latency = 10
  const books: Book[] = []
  let offset = 0
  const publish = (topic: string, data: unknown) => {
    const message = { topic, data, epoch: 'e', offset: ++offset }
    if (!misses(message.offset))
      clock.setTimeout(() => books.forEach((book) => book.delivered(message.offset)), latency)
    return message
  }
  const feed = startFeed({ clock, publish }, { every: 2, latency })
  for (const resumes of [false, true]) books.push(createBook(feed, clock.monotonic, resumes))
  const [naive, resuming] = books as [Book, Book]
  clock.advance(2 * messages)
  feed.stop()
  clock.advance(1_000)
  return { naive: naive.summary(), resuming: resuming.summary() }
}

describe('the books of a story', () => {
  it('count sent, seen and lost messages, and when, even if a story has been open for long', () => {
    const { naive, resuming } = read(10_000, (offset) => offset % 1_000 === 7 && offset > 1_000)
    for (const book of [naive, resuming])
      expect(book).toMatchObject({ sent: 10_000, delivered: 9_991, lost: 9, repeated: 0, reordered: 0 })
    // What is too old for any timeline is counted, but not kept.
    expect(naive.lostAt).toContain(2 * 9_007 + 10)
    expect(naive.lostAt.length).toBeLessThan(4)
  })

  it('do not count messages as lost that may still arrive', () => {
    const { naive, resuming } = read(100, (offset) => offset > 90)
    expect(naive).toMatchObject({ sent: 100, delivered: 90, lost: 10 })
    expect(resuming).toMatchObject({ sent: 100, delivered: 90, lost: 0 })
  })
})
