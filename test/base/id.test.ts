import { afterEach, describe, expect, it, vi } from 'vitest'
import { createIds, newId } from '../../src/base/id.js'

afterEach(() => vi.unstubAllGlobals())

describe('a unique id', () => {
  it.each([
    ['drawn by the platform', globalThis.crypto],
    ['made without crypto, as in React Native,', undefined],
  ])('%s has 21 of 64 characters', (_, crypto) => {
    vi.stubGlobal('crypto', crypto)
    const names = new Set([...Array.from({ length: 500 }, newId), ...Array.from({ length: 500 }, createIds())])
    expect(names.size).toBe(1_000)
    for (const name of names) expect(name).toMatch(/^[\w-]{21}$/)
    expect(new Set([...names].join('')).size).toBe(64)
  })

  it('is drawn by crypto.getRandomValues where that exists', () => {
    vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes.fill(0) })
    expect(new Set(newId()).size).toBe(1)
  })
})
