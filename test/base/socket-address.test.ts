import { afterEach, describe, expect, it, vi } from 'vitest'
import { addressOf, baseUrl, socketAddress } from '../../src/base/socket-address.js'
import { dialUrl } from '../../src/options/settings.js'
import { checkRedirect } from '../../src/policy/redirect.js'
import { checkUrl } from '../../src/vanilla/socket-checks.js'
import { PoorURL } from '../kit/poor-url.js'

afterEach(() => vi.unstubAllGlobals())

describe('a relative URL', () => {
  it('follows the document’s base URL, as the browser’s own WebSocket does', () => {
    vi.stubGlobal('location', { href: 'about:srcdoc' })
    vi.stubGlobal('document', { baseURI: 'https://cdn.example/app/' })
    expect([dialUrl('live'), checkUrl('/live')]).toEqual(['wss://cdn.example/app/live', 'wss://cdn.example/live'])
  })

  it('follows the location of a worker, which has no document', () => {
    vi.stubGlobal('document', undefined)
    vi.stubGlobal('location', { href: 'http://example.com/workers/one.js' })
    expect(dialUrl('../live?x=1')).toBe('ws://example.com/live?x=1')
  })

  it('is refused where there is no page', () => {
    expect(baseUrl()).toBe(undefined)
    expect(() => dialUrl('/live')).toThrow('an absolute ws: or wss: URL')
  })
})

it.each([
  ['https://h', 'wss://h/'],
  ['WS://H:80/a#b', 'ws://h/a'],
  ['ftp://h', 'ftp:'],
])('reads %s', (text, expected) => {
  const address = socketAddress(text)
  expect(typeof address === 'string' ? address : address.href).toBe(expected)
})

it.each([
  ['wss://h:443/a', 'wss://h'],
  ['https://h', 'wss://h'],
  ['data:x', undefined],
  ['x', undefined],
])('has %s come from %s', (url, origin) => expect(addressOf(url)?.origin).toBe(origin))

describe('on a platform whose URL class knows only http and cannot change the scheme', () => {
  it('the URL of a socket is accepted, and refused as on any other platform', () => {
    vi.stubGlobal('URL', PoorURL)
    expect([dialUrl('wss://h/live'), dialUrl('https://h'), dialUrl('ws://h/a#b')]).toEqual([
      'wss://h/live',
      'wss://h/',
      'ws://h/a',
    ])
    for (const wrong of ['live', 'ftp://h/', 'wss://me:pw@h/']) expect(() => dialUrl(wrong)).toThrow()
  })

  it('client rule 2: no redirect to another origin is followed', () => {
    vi.stubGlobal('URL', PoorURL)
    const configured = dialUrl('wss://h/live')
    expect(checkRedirect('wss://evil.example/live', configured, [])).toMatchObject({
      refused: expect.stringContaining('evil.example') as string,
    })
    expect(checkRedirect('wss://h/other', configured, [])).toEqual({ url: 'wss://h/other' })
    expect(checkRedirect('wss://b.example/x', configured, ['wss://b.example'])).toEqual({ url: 'wss://b.example/x' })
  })
})
