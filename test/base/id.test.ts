import { afterEach, describe, expect, it, vi } from 'vitest'
import { createIds, newId } from '../../src/base/id.js'

afterEach(() => vi.unstubAllGlobals())

describe('a name that nobody else has', () => {
  it.each([
    ['drawn by the platform', globalThis.crypto],
    ['made where there is no crypto, as in React Native,', undefined],
  ])('%s has 21 signs of any of 64', (_, crypto) => {
    vi.stubGlobal('crypto', crypto)
    const names = new Set([...Array.from({ length: 500 }, newId), ...Array.from({ length: 500 }, createIds())])
    expect(names.size).toBe(1_000)
    for (const name of names) expect(name).toMatch(/^[\w-]{21}$/)
    expect(new Set([...names].join('')).size).toBe(64)
  })

  it('is drawn by the platform where it can be', () => {
    vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes.fill(0) })
    expect(new Set(newId()).size).toBe(1)
  })
})
