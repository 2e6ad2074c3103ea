import type { IncomingMessage, Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { systemClock } from '../../base/clock.js'
import { declineUpgrade } from './declined-upgrade.js'
import { invalid } from '../../base/invalid.js'
import { asksForWebSocket, guard, NOT_FOUND, refuse, targetOf } from './upgrade.js'

type UpgradeListener = (request: IncomingMessage, stream: Duplex, head: Buffer) => void

/** What one live server does with the upgrades of an HTTP server. */
export interface MountedPath {
  take: UpgradeListener
  /** A request for a path that no listener serves was refused. */
  refused(request: IncomingMessage): void
}

/**
 * Milliseconds that other `upgrade` listeners have to answer an upgrade. No listener says that a request is its own;
 * the first byte that it writes shows it.
 */
const NEIGHBOURS_PATIENCE = 2_000

interface Interception {
  readonly paths: Map<string, MountedPath>
  stop(): void
}

const interceptions = new WeakMap<HttpServer, Interception>()

/**
 * Takes the upgrades of one path of an HTTP server; returns the undo.
 *
 * Node calls every `upgrade` listener for every upgrade, and most libraries answer requests that are not theirs with
 * 400 or 404, or end the connection, even on a socket that another listener has just taken. So live servers are asked
 * before any listener is called, in whatever order all of them were added. Other listeners never see the requests that
 * live servers take. Everything else works as if the live servers were absent, except that a request never stays
 * unanswered. Throws `invalid` if the path is taken.
 */
export function mountPath(http: HttpServer, path: string, part: MountedPath): () => void {
  const { paths, stop } = interceptions.get(http) ?? intercept(http)
  if (paths.has(path))
    throw invalid(
      `Another live server has the path ${path} of this HTTP server: close() it first, or give this one another path`,
    )
  paths.set(path, part)
  return () => {
    // The path is free as soon as its server begins to close: its successor may be mounted already.
    if (paths.get(path) !== part) return
    paths.delete(path)
    if (paths.size === 0) stop()
  }
}

/** Intercepts the HTTP server's `upgrade` events until the last live server has left. */
function intercept(http: HttpServer): Interception {
  const paths = new Map<string, MountedPath>()
  const told = new WeakSet<IncomingMessage>()
  const emit = http.emit
  const overridden = Object.hasOwn(http, 'emit')
  const before = function (this: HttpServer, name: string, ...given: unknown[]) {
    if (name === 'upgrade' && paths.size > 0) {
      const [request, stream, head] = given as Parameters<UpgradeListener>
      if (taken(request, stream, head)) return true
      told.add(request)
      return passOn(request, stream, () => Reflect.apply(emit, this, [name, ...given]) as boolean)
    }
    return Reflect.apply(emit, this, [name, ...given]) as boolean
  } as typeof http.emit
  // Without a listener Node does not parse upgrades at all. This listener also serves code that kept the `emit` from
  // before.
  const listener: UpgradeListener = (request, stream, head) => void (told.has(request) || taken(request, stream, head))
  http.emit = before
  http.prependListener('upgrade', listener)
  const interception = { paths, stop }
  interceptions.set(http, interception)
  return interception

  function stop() {
    interceptions.delete(http)
    http.off('upgrade', listener)
    // Somebody may have replaced `emit` again since. Without a path, ours only passes events on.
    if (http.emit !== before) return
    if (overridden) http.emit = emit
    else delete (http as { emit?: unknown }).emit
  }

  function taken(request: IncomingMessage, stream: Duplex, head: Buffer): boolean {
    guard(stream)
    if (!asksForWebSocket(request)) {
      declineUpgrade(http, request, stream, head)
      return true
    }
    const part = paths.get(targetOf(request).path)
    part?.take(request, stream, head)
    return part !== undefined
  }

  function passOn(request: IncomingMessage, stream: Duplex, tell: () => boolean): boolean {
    const from = written(stream)
    const unanswered = () => !stream.destroyed && !stream.writableEnded && written(stream) === from
    const nobodys = () => {
      if (!unanswered()) return
      refuse(stream, NOT_FOUND)
      ;[...paths.values()].at(-1)?.refused(request)
    }
    const neighbours = http.listenerCount('upgrade') > 1
    const heard = tell()
    if (!neighbours) nobodys()
    else if (unanswered()) stream.once('close', systemClock.setTimeout(nobodys, NEIGHBOURS_PATIENCE))
    return heard
  }
}

function written(stream: Duplex): number {
  return (stream as Partial<Socket>).bytesWritten ?? 0
}
