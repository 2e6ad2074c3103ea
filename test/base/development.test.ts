import { afterEach, describe, expect, it, vi } from 'vitest'
import { inDevelopment } from '../../src/base/development.js'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

describe('development mode', () => {
  it.each([
    ['production', false],
    ['development', true],
    ['test', true],
    [undefined, true],
  ])('follows NODE_ENV, which bundlers fill in: %s', (value, expected) => {
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
  ])('follows the host name, %s, in a page without a bundler', (hostname, expected) => {
    vi.stubGlobal('process', undefined)
    vi.stubGlobal('location', hostname === undefined ? undefined : { hostname })
    expect(inDevelopment()).toBe(expected)
  })
})
