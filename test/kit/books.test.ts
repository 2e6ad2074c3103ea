import { expect, test } from 'vitest'
import { createBooks } from './books.js'

test('books record what arrived, what was missing, and how long nothing arrived', () => {
  let time = 0
  const books = createBooks(() => time, 1)
  // Time before the reader was first live does not count.
  books.live(false)
  time = 100
  books.live(true)
  books.arrived(1)
  time = 150
  books.live(false)
  books.live(false)
  time = 250
  expect([books.isLive, books.notLive]).toEqual([false, 100])
  books.live(true)
  books.arrived(4)
  books.gap({ from: 2, to: 3 })
  time = 900
  expect([books.isLive, books.notLive, books.longestSilence]).toEqual([true, 100, 150])
  expect([books.account.lost(4), books.account.newest, books.gaps]).toEqual([2, 4, [{ from: 2, to: 3 }]])
})
