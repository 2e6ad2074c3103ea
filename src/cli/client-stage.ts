import type { Clock } from '../base/clock.js'
import { demand } from './check-context.js'
import { frameClient, RuleBroken, type FrameClient, type FrameSocket, type ReceivedFrame } from './frame-client.js'

/** A client under test, as seen from outside: what it is told to do, and what it reports. */
export interface TriedClient {
  /** `{ do: 'publish', data }` publishes into the topic of the stage. The client reports the outcome as `settled`. */
  tell(command: { readonly do: 'publish'; readonly data: unknown }): void
  /** Calls `listener` with each report. */
  on(listener: (said: ClientWord) => void): void
  end(): void
  /** How it ended on its own, if it failed: it will do nothing more. */
  readonly failed?: string | null
}

/** What a client reports, in the order in which it happens. */
export type ClientWord =
  | { readonly message: { readonly offset: number; readonly data?: unknown } }
  | { readonly gap: { readonly from: number | null; readonly to: number | null } }
  /** `code` is that of the error; absent if the publish was acknowledged. */
  | { readonly settled: { readonly data: unknown; readonly offset?: number; readonly code?: string } }

/** Starts a client that connects to that URL and subscribes to that topic. */
export type StartClient = (url: string, topic: string) => TriedClient | Promise<TriedClient>

/** The part of a WebSocket server that is used, such as that of `ws`. */
export interface SocketServer {
  on(event: 'connection', listener: (socket: FrameSocket, request: { readonly url?: string }) => void): unknown
  address(): unknown
  close(): void
}

/** One leg of the client, as its server sees it. */
export interface ScriptedLeg extends FrameClient {
  readonly url: string
  /** The hello that the client sent. */
  readonly hello: ReceivedFrame
  /**
   * Answers the hello, with the topic's head at `offset` of `epoch`. What is above the client's position is to be sent
   * after it.
   */
  welcome(fields?: { server?: string; offset?: number; after?: number; epoch?: string; heartbeat?: number }): void
  message(offset: number, prev?: number): void
}

/** A server that does what a check says, with one client connected to it. */
export interface ClientStage {
  readonly topic: string
  readonly patience: number
  /** The offsets that the client has delivered, in its order. */
  readonly delivered: readonly number[]
  readonly gaps: readonly { readonly from: number | null; readonly to: number | null }[]
  readonly settled: readonly { readonly data: unknown; readonly code?: string }[]
  tell: TriedClient['tell']
  /** The next leg, once it has sent its hello. */
  leg(within?: number): Promise<ScriptedLeg>
  /** The number of open legs. */
  readonly open: number
  /** The number of legs so far. */
  readonly dials: number
  until(holds: () => boolean, what: string, within?: number): Promise<void>
  /** Checks that it holds for that many milliseconds. */
  stays(holds: () => boolean, what: string, ms: number): Promise<void>
}

export const TOPIC = 'conformance'
/** Milliseconds between two looks. */
const LOOK = 10

export async function openStage(
  server: SocketServer,
  start: StartClient,
  { clock, patience }: { readonly clock: Clock; readonly patience: number },
): Promise<ClientStage & { end(): void }> {
  const delivered: number[] = []
  const gaps: { from: number | null; to: number | null }[] = []
  const settled: { data: unknown; code?: string }[] = []
  const legs: { leg: FrameClient; url: string }[] = []
  let taken = 0
  server.on('connection', (socket, { url = '' }) => {
    legs.push({ leg: frameClient(socket, { clock, patience }), url })
  })
  const { port } = server.address() as { port: number }
  const client = await start(`ws://127.0.0.1:${port}/`, TOPIC)
  client.on((word) => {
    if ('message' in word) delivered.push(word.message.offset)
    else if ('gap' in word) gaps.push(word.gap)
    else if ('settled' in word) settled.push(word.settled)
  })
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms))

  async function until(holds: () => boolean, what: string, within = patience) {
    const from = clock.monotonic()
    while (!holds()) {
      if (client.failed) throw new RuleBroken(`${what}: the client ${client.failed}`)
      if (clock.monotonic() - from > within) throw new RuleBroken(`${what}: not within ${within} ms`)
      await wait(LOOK)
    }
  }

  return {
    topic: TOPIC,
    patience,
    delivered,
    gaps,
    settled,
    tell: client.tell,
    get open() {
      return legs.filter(({ leg }) => !leg.isClosed).length
    },
    get dials() {
      return legs.length
    },
    until,
    async stays(holds, what, ms) {
      const from = clock.monotonic()
      while (clock.monotonic() - from < ms) {
        demand(holds(), what)
        await wait(LOOK)
      }
    },
    async leg(within = 5 * patience) {
      await until(() => legs.length > taken, 'the client should dial', within)
      const { leg, url } = legs[taken++]!
      const hello = await leg.next('hello')
      demand(leg.frames[0] === hello, 'the first frame of a leg should be its hello')
      const asked = (hello['topics'] as Record<string, { epoch?: string; offset?: number }> | undefined)?.[TOPIC]
      return Object.assign(leg, {
        url,
        hello,
        welcome({
          server: name = 'a',
          offset = asked?.offset ?? 0,
          after = asked?.offset ?? offset,
          epoch = 'e',
          heartbeat,
        }: Parameters<ScriptedLeg['welcome']>[0] = {}) {
          const topics = { [TOPIC]: { epoch, offset, after } }
          leg.send({
            type: 'welcome',
            server: name,
            topics,
            reconnectSpread: 100,
            ...(heartbeat !== undefined && { heartbeat }),
          })
        },
        message: (offset: number, prev?: number) =>
          leg.send({ type: 'message', topic: TOPIC, offset, data: offset, ...(prev !== undefined && { prev }) }),
      })
    },
    end() {
      client.end()
      for (const { leg } of legs) if (!leg.isClosed) leg.close()
    },
  }
}
