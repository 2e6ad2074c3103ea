import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { ServerEvent } from '../../../src/server/index.js'
import { clientAddress, network } from '../../../src/server/upgrade/client-address.js'
import { liveServer } from '../kit.js'

const request = (remoteAddress: string | undefined, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage

describe('the address that counts for a connection', () => {
  test.each<[string, number, string | undefined, string | undefined, string]>([
    [
      'without a proxy, that of the connection, whatever the request claims',
      0,
      '203.0.113.7',
      '1.1.1.1',
      '203.0.113.7',
    ],
    [
      'behind one proxy, the one that the proxy wrote, not what the client wrote left of it',
      1,
      '10.0.0.1',
      '1.1.1.1, 203.0.113.7',
      '203.0.113.7',
    ],
    ['behind two, the second from the right', 2, '10.0.0.1', '1.1.1.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    [
      'of a connection that bypasses the proxies, that of the connection',
      2,
      '203.0.113.9',
      '203.0.113.7',
      '203.0.113.9',
    ],
    ['with a port, as some proxies write it', 1, '10.0.0.1', '203.0.113.7:5123', '203.0.113.7'],
    ['none, of a connection that is gone', 0, undefined, undefined, ''],
  ])('%s', (_, proxies, remote, forwarded, address) => {
    expect(clientAddress(proxies)(request(remote, forwarded))).toBe(address)
  })

  test.each([
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['[2001:db8:0001:2::9]:443', '2001:db8:1:2'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
  ])('%s counts as %s: an IPv6 address counts as its network', (address, counted) =>
    expect(network(address)).toBe(counted),
  )

  test.each([-1, 1.5, Number.NaN, true, '1', 99])('trustedProxies: %s is refused at once', (given) => {
    expect(() => clientAddress(given as never)).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining('trustedProxies') }),
    )
  })
})

test('an event names the whole IPv6 address of a client behind a proxy, although limits count its network', async () => {
  const events: ServerEvent[] = []
  const server = await liveServer({ trustedProxies: 1, onEvent: (event) => void events.push(event) })
  const client = await server.client({ headers: { 'x-forwarded-for': '1.1.1.1, 2001:db8:1:2::9' } })
  await client.hello({ session: 's' })
  expect(events).toEqual([expect.objectContaining({ type: 'leg-welcomed', address: '2001:db8:1:2::9' })])
})
