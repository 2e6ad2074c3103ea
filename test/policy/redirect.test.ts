import { describe, expect, test } from 'vitest'
import { checkRedirect } from '../../src/policy/redirect.js'

const configured = 'wss://good.com/live?tenant=7'
const list = [
  'wss://eu.good.com',
  'wss://us.good.com:8443',
  'ws://plain.good.com',
  'https://page.good.com',
  'null',
  '*',
  'wss://*.good.com',
]

describe('client rule 2: a url is followed when', () => {
  test.each([
    ['its origin is the configured one', 'wss://good.com/other?x=1', 'wss://good.com/other?x=1'],
    ['it spells out the default port', 'wss://good.com:443/live', 'wss://good.com/live'],
    ['its host is in capitals', 'WSS://GOOD.com/live', 'wss://good.com/live'],
    ['its origin is on the list', 'wss://eu.good.com/live', 'wss://eu.good.com/live'],
    ['its origin is on the list with a port', 'wss://us.good.com:8443', 'wss://us.good.com:8443/'],
    [
      'its query has a token of the server: it stays as it is',
      'wss://good.com/?token=abc',
      'wss://good.com/?token=abc',
    ],
    ['a query of it has an @', 'wss://good.com/?to=a@b', 'wss://good.com/?to=a@b'],
    ['it is as long as one may be', `wss://good.com/${'x'.repeat(2_033)}`, `wss://good.com/${'x'.repeat(2_033)}`],
  ])('%s', (_, url, followed) => {
    expect(checkRedirect(url, configured, list)).toEqual({ url: followed })
  })

  test('it is ws: and the configured one is, too', () => {
    const plain = 'ws://127.0.0.1:8080/live'
    expect(checkRedirect('ws://127.0.0.1:8080/b', plain, [])).toEqual({ url: 'ws://127.0.0.1:8080/b' })
    expect(checkRedirect('ws://127.0.0.1:8081/b', plain, ['ws://127.0.0.1:8081'])).toEqual({
      url: 'ws://127.0.0.1:8081/b',
    })
    expect(checkRedirect('wss://good.com/b', plain, ['wss://good.com'])).toEqual({ url: 'wss://good.com/b' })
  })

  test('the configured URL was given as https:, which a WebSocket dials as wss:', () => {
    expect(checkRedirect('wss://good.com/b', 'https://good.com/live', [])).toEqual({ url: 'wss://good.com/b' })
    expect(checkRedirect('ws://localhost/b', 'http://localhost/live', [])).toEqual({ url: 'ws://localhost/b' })
    expect(checkRedirect('ws://good.com/b', 'https://good.com/live', [])).toHaveProperty('refused')
  })
})

describe('client rule 2: a url is refused when', () => {
  const tricks: readonly (readonly [string, string, RegExp])[] = [
    ['it would lose the encryption', 'ws://good.com/live', /ws: while/],
    ['it would lose the encryption, though listed', 'ws://plain.good.com/live', /ws: while/],
    ['its origin is another', 'wss://evil.com/live', /origin wss:\/\/evil\.com/],
    ['its port is another', 'wss://good.com:8443/live', /origin/],
    ['its port is zero', 'wss://good.com:0/live', /origin/],
    ['the good host is user info', 'wss://good.com@evil.com/', /user info/],
    ['the good host is user info with a password', 'wss://good.com:443@evil.com/', /user info/],
    ['it has user info for the good host', 'wss://user:secret@good.com/', /user info/],
    ['its user info is empty', 'wss://@good.com/', /user info/],
    ['its user info is empty, as is the password', 'wss://:@good.com/', /user info/],
    ['the good host is a prefix', 'wss://good.com.evil.com/', /origin/],
    ['the good host is a suffix', 'wss://evilgood.com/', /origin/],
    ['the good host is a query', 'wss://evil.com/?good.com', /origin/],
    ['the good host is a path', 'wss://evil.com/good.com', /origin/],
    ['it is a subdomain of the good host', 'wss://x.good.com/', /origin/],
    ['a listed origin is taken with another port', 'wss://us.good.com/', /origin/],
    ["only the page's https origin is listed", 'wss://page.good.com/', /origin/],
    ['a backslash hides the host', 'wss://good.com\\@evil.com/', /backslash/],
    ['it has backslashes instead of slashes', 'wss:\\\\good.com/', /backslash/],
    ['a tab is inside', 'wss://go\tod.com/', /control character/],
    ['a newline is inside', 'wss://good.com/\nHost: evil.com', /control character/],
    ['a carriage return is inside', 'wss://good.com\r/', /control character/],
    ['a NUL is inside', 'wss://good.com/\u0000', /control character/],
    ['a DEL is inside', 'wss://good.com/\u007f', /control character/],
    ['a space is before it', ' wss://good.com/', /white space/],
    ['a newline is after it', 'wss://good.com/\n', /white space/],
    ['a byte order mark is before it', '\ufeffwss://good.com/', /white space/],
    ['a line separator is inside', 'wss://good.com/\u2028', /white space/],
    ['the host ends with a dot', 'wss://good.com./', /origin/],
    ['a letter is Cyrillic', 'wss://g\u043eod.com/', /origin wss:\/\/xn--/],
    ['the host is an IPv6 address', 'wss://[::1]/', /origin/],
    ['the host is a short IPv4 address', 'wss://127.1/', /origin/],
    ['the host is a hexadecimal IPv4 address', 'wss://0x7f.1/', /origin/],
    ['the host is one number', 'wss://2130706433/', /origin/],
    ['it is javascript:', 'javascript:alert(1)', /absolute/],
    ['it is data:', 'data:text/html,x', /absolute/],
    ['it is http:', 'http://good.com/', /absolute/],
    ['it is https:', 'https://good.com/', /absolute/],
    ['it is blob: of the good origin', 'blob:wss://good.com/1', /absolute/],
    ['it has no scheme', '//good.com/live', /absolute/],
    ['it is a path', '/live', /absolute/],
    ['it is a query', '?x=1', /absolute/],
    ['it is a bare host', 'good.com', /absolute/],
    ['it has a scheme and no slashes', 'wss:good.com/', /absolute/],
    ['it has one slash', 'wss:/good.com/', /absolute/],
    ['it has three slashes', 'wss:///good.com/', /absolute/],
    ['it has no host', 'wss://', /absolute/],
    ['it is empty', '', /absolute/],
    ['it cannot be parsed', 'wss://[good.com/', /parsed/],
    ['its port cannot be', 'wss://good.com:99999/', /parsed/],
    ['it has a fragment', 'wss://good.com/#a', /fragment/],
    ['it has an empty fragment', 'wss://good.com/#', /fragment/],
    ['it is longer than 2,048 characters', `wss://good.com/${'x'.repeat(2_034)}`, /2048/],
    ['it is 100 kB long', `wss://good.com/${'x'.repeat(100_000)}`, /2048/],
    ['only an entry with a star matches it', 'wss://anything.good.com/', /origin/],
  ]

  test.each(tricks)('%s', (_, url, why) => {
    const verdict = checkRedirect(url, configured, list)
    expect(verdict).toEqual({ refused: expect.stringMatching(why) })
  })

  test('only an entry that is not an origin names its host', () => {
    for (const entry of ['wss://eu.good.com/', 'wss://eu.good.com:443', 'WSS://EU.GOOD.COM', 'eu.good.com']) {
      expect(checkRedirect('wss://eu.good.com/live', configured, [entry])).toHaveProperty('refused')
    }
  })

  test('it breaks a rule, and the refusal repeats neither its query nor its user info', () => {
    for (const url of [
      'wss://evil.com/?token=canary',
      'wss://canary:canary@good.com/',
      'wss://good.com/canary#canary',
      'canary',
    ]) {
      expect(JSON.stringify(checkRedirect(url, configured, list))).not.toContain('canary')
    }
  })
})
