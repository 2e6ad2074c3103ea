import type { IncomingMessage } from 'node:http'
import { invalid, shown } from '../../base/invalid.js'

/** The address that a request comes from, without a port; empty if its connection has gone. */
export type AddressOf = (request: IncomingMessage) => string

/** More hops than any setup has: a larger number is a mistake. */
const MOST_PROXIES = 16

/**
 * Each trusted proxy appends the address that called it to `X-Forwarded-For`. The entry of the outermost trusted proxy
 * is therefore the one at that place from the right. The caller wrote everything left of it, and that is never
 * believed. Throws `invalid`.
 */
export function clientAddress(trustedProxies = 0): AddressOf {
  if (!Number.isInteger(trustedProxies) || trustedProxies < 0 || trustedProxies > MOST_PROXIES) {
    throw invalid(
      `trustedProxies must be the number of proxies in front of this server, 0 to ${MOST_PROXIES}, not ${shown(trustedProxies)}`,
    )
  }
  return (request) => {
    const hops = trustedProxies === 0 ? [] : String(request.headers['x-forwarded-for'] ?? '').split(',')
    // With fewer entries than proxies, the request bypassed one of them.
    return bare(hops.at(-trustedProxies)?.trim() || request.socket?.remoteAddress || '')
  }
}

function bare(address: string): string {
  return address
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .slice(0, 64)
}

/**
 * What is counted as one address: an IPv4 address, or the first half of an IPv6 one. Otherwise IPv6 would give
 * everybody 2^64 addresses.
 */
export function network(address: string | undefined): string {
  const single = bare(address ?? '')
  if (!single.includes(':')) return single
  const [left, right] = single.toLowerCase().replace(/%.*$/, '').split('::') as [string, string?]
  const before = left === '' ? [] : left.split(':')
  const after = right === undefined || right === '' ? [] : right.split(':')
  const zeros = Array<string>(Math.max(0, right === undefined ? 0 : 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
