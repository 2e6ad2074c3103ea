import { expect, test } from 'vitest'
import { bytesOf, isBytes } from '../../src/protocol/bytes.js'

test('bytes are copied, and of a view only the part that it shows', () => {
  const all = new Uint8Array([1, 2, 3, 4])
  const copies = [bytesOf(all.buffer), bytesOf(all.subarray(1, 3)), bytesOf(new DataView(all.buffer, 2))]
  all.fill(0)
  expect(copies.map((copy) => [...new Uint8Array(copy)])).toEqual([
    [1, 2, 3, 4],
    [2, 3],
    [3, 4],
  ])
})

test('bytes in shared memory are copied into an ArrayBuffer', () => {
  expect(bytesOf(new Uint8Array(new SharedArrayBuffer(2)))).toBeInstanceOf(ArrayBuffer)
})

test('a buffer and a view are bytes; a text and an array of numbers are not', () => {
  expect([new ArrayBuffer(1), new Uint8Array(1), new DataView(new ArrayBuffer(1))].every(isBytes)).toBe(true)
  expect(['a', [1], null, undefined].some(isBytes)).toBe(false)
})
