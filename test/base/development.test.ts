import { afterEach, describe, expect, it, vi } from 'vitest'
import { inDevelopment } from '../../src/base/development.js'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

describe('whether it is development', () => {
  it.each([
    ['production', false],
    ['development', true],
    ['test', true],
    [undefined, true],
  ])('is what NODE_ENV says, which bundlers fill in: %s', (value, expected) => {
    vi.stubEnv('NODE_ENV', value)
    expect(inDevelopment()).toBe(expected)
  })

  it.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['[::1]', true],
    ['localhost.example.com', false],
    ['example.com', false],
    [undefined, false],
  ])("is the developer's own machine, %s, in a page that no bundler has touched", (hostname, expected) => {
    vi.stubGlobal('process', undefined)
    vi.stubGlobal('location', hostname === undefined ? undefined : { hostname })
    expect(inDevelopment()).toBe(expected)
  })
})
