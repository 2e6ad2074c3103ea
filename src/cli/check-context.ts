import { nanoid } from 'nanoid'
import { systemClock, type Clock } from '../base/clock.js'
import {
  openFrameClient,
  RuleBroken,
  Untried,
  type FrameClient,
  type ReceivedFrame,
  type FrameSocketClass,
} from './frame-client.js'

export interface CheckOptions {
  readonly url: string
  readonly WebSocket: FrameSocketClass
  readonly token?: string
  /** The prefix of topics that everybody may subscribe to and publish into. Default `conformance`. */
  readonly topic?: string
  /** Milliseconds that any answer may take. Default 2,000. */
  readonly patience?: number
  /**
   * Makes the server drain, with a deadline of about `deadline` milliseconds. Without it the rules of a drain cannot be
   * tried.
   */
  readonly drain?: (deadline: number) => void | Promise<void>
  /** How many legs a second that drain asks to hand over. Without it the rate cannot be checked. */
  readonly rate?: number
  /**
   * Makes the log start over under another epoch; done when it has. Without it the rules about epochs cannot be tried.
   */
  readonly lose?: () => void | Promise<void>
  /**
   * Data of a message that the server hides from the owner of this token. Without it the rules about hidden messages
   * cannot be tried.
   */
  readonly hidden?: unknown
  readonly clock?: Clock
}

export interface Welcomed extends FrameClient {
  readonly session: string
  readonly leg: number
  readonly welcome: ReceivedFrame
}

export interface Answer {
  readonly epoch: string
  readonly offset: number
  readonly after: number
}

/** What one check works with: connections that are closed when it is done, and topics of its own. */
export interface CheckContext {
  readonly patience: number
  readonly token: string | undefined
  readonly clock: Clock
  /** Rejects with `Untried` some time after the function that starts the drain has failed; otherwise it never settles. */
  readonly drain: ((deadline: number) => Promise<never>) | undefined
  readonly rate: number | undefined
  readonly lose: (() => Promise<void>) | undefined
  readonly hidden: unknown
  topic(): string
  /** Opens a connection. A publish sent on it gets an `n`, unless it has one. */
  open(subprotocols?: string[]): Promise<FrameClient>
  /** Opens a connection, sends a hello, and is welcomed. If a topic is refused, the check cannot be tried. */
  join(topics?: Record<string, object>, hello?: { session?: string; leg?: number }): Promise<Welcomed>
  /** The hello of a session, for checks that send it themselves. */
  hello(topics: Record<string, object>, hello?: { session?: string; leg?: number; token?: string }): object
  /**
   * Publishes the numbers from 1 to `count`, and resolves with their offsets. If that is forbidden, the check cannot be
   * tried.
   */
  publish(client: FrameClient, topic: string, count: number): Promise<number[]>
  /**
   * Publishes that data, again while it is refused temporarily, and resolves with its offset. If it is finally refused,
   * the check cannot be tried.
   */
  say(client: FrameClient, topic: string, data: unknown): Promise<number>
  /** Resolves when the server has handled everything that was sent before. */
  roundTrip(client: FrameClient): Promise<void>
  wait(ms: number): Promise<void>
  done(): void
}

/** How often a log that is not back yet is asked. */
const TRIES = 10

export function createCheckContext({
  url,
  WebSocket,
  token,
  topic: prefix = 'conformance',
  patience = 2_000,
  drain,
  rate,
  lose,
  hidden,
  clock = systemClock,
}: CheckOptions): CheckContext {
  const clients: FrameClient[] = []
  /** The `n` of each id: it rises with each publish, and a repeat has the one of the first copy. */
  const numbers = new Map<unknown, number>()
  const numbered = (frame: object | string) => {
    if (typeof frame === 'string' || (frame as ReceivedFrame).type !== 'publish' || 'n' in frame) return frame
    const { id } = frame as ReceivedFrame
    numbers.set(id, numbers.get(id) ?? numbers.size + 1)
    return { ...frame, n: numbers.get(id) }
  }
  const context: CheckContext = {
    patience,
    token,
    clock,
    rate,
    hidden,
    // Whether the drain has begun is seen from what the server sends. A command may fail after it has started the drain,
    // so the server gets time to send something.
    drain:
      drain &&
      ((deadline) =>
        new Promise<never>((_, reject) => {
          ;(async () => drain(deadline))().catch(async (thrown) => {
            await context.wait(patience)
            reject(failed('start the drain', thrown))
          })
        })),
    lose:
      lose &&
      (() =>
        (async () => lose())().catch((thrown) => {
          throw failed('make the log start over', thrown)
        })),
    topic: () => `${prefix}.${nanoid(8)}`,
    async open(subprotocols) {
      const client = await openFrameClient(url, { WebSocket, clock, patience }, subprotocols)
      clients.push(client)
      clients.push(client)
      const { send } = client
      return Object.assign(client, { send: (frame: object | string) => send(numbered(frame)) })
    },
    hello: (topics, { session = nanoid(), leg = 1, token: other = token } = {}) => ({
      type: 'hello',
      session,
      leg,
      topics,
      ...(other === undefined ? null : { token: other }),
    }),
    async join(topics = {}, { session = nanoid(), leg = 1 } = {}) {
      const client = await context.open()
      client.send(context.hello(topics, { session, leg }))
      const welcome = await client.next('welcome')
      const refused = client.of('error').find((frame) => Object.hasOwn(topics, String(frame['topic'])))
      if (refused) throw new Untried(forbidden(prefix, 'subscribing to', refused['topic'], refused))
      return Object.assign(client, { session, leg, welcome })
    },
    async publish(client, topic, count) {
      const ids = Array.from({ length: count }, () => nanoid())
      for (const [at, id] of ids.entries()) client.send({ type: 'publish', id, topic, data: at + 1 })
      const offsets: number[] = []
      for (const id of ids) {
        const answer = await client.next(['ack', 'nack'], (frame) => frame['id'] === id)
        if (answer['code'] === 'forbidden') throw new Untried(forbidden(prefix, 'publishing into', topic, answer))
        demand(answer.type === 'ack', `a publish was refused: ${String(answer['code'])}, ${String(answer['message'])}`)
        offsets.push(offsetOf(answer))
      }
      return offsets
    },
    async say(client, topic, data) {
      for (let tries = 1; ; tries++) {
        const id = nanoid()
        client.send({ type: 'publish', id, topic, data })
        const answer = await client.next(['ack', 'nack'], (frame) => frame['id'] === id)
        if (answer.type === 'ack') return offsetOf(answer)
        const { code, message, retryAfter } = answer
        if (typeof retryAfter !== 'number' || tries === TRIES)
          throw new Untried(
            `the server accepts no message with the data ${JSON.stringify(data)}: ${String(code)}, ${String(message)}`,
          )
        await context.wait(Math.min(retryAfter, patience))
      }
    },
    async roundTrip(client) {
      client.send({ type: 'ping' })
      await client.next('pong')
    },
    wait: (ms) => new Promise((resolve) => void clock.setTimeout(resolve, ms)),
    done() {
      for (const client of clients) if (!client.isClosed) client.close()
    },
  }
  return context
}

function failed(what: string, thrown: unknown): Untried {
  return new Untried(`could not ${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
}

/** A server's refusal of a topic, and how the names of the topics are formed. */
function forbidden(prefix: string, what: string, topic: unknown, { code, message }: ReceivedFrame): string {
  return `the server refused ${what} ${String(topic)}: ${String(code)}, ${String(message).replace(/\.$/, '')}. Let authorize allow topics that begin with "${prefix}.", or give another prefix with --topic`
}

/**
 * Why a server welcomes nobody, if the request is not to blame: it wants another token, is draining, or is busy. Null
 * if it welcomed the client, or gave no such reason.
 */
export async function whyNotWelcomed(client: FrameClient, token: string | undefined): Promise<string | null> {
  const [error] = client.of('error')
  const said = error && String(error['message'] ?? error['code'])
  if (error?.['code'] === 'unauthorized')
    return token === undefined
      ? 'It wants a token: give one with --token, or with --token-from a URL that issues them.'
      : `It does not accept the token: ${said}`
  if (error?.['code'] === 'draining')
    return 'It is draining, and accepts no clients. The balancer should not have sent any here.'
  const code = error?.['code'] === 'busy' ? 1013 : client.isClosed && (await client.closed()).code
  if (code === 1013)
    return `The server is up, and busy${said === undefined ? '' : ` ("${said}")`}: it accepts no clients at present. Its healthEndpoint() and its output say why: Redis may be away, or too many clients come at once.`
  return null
}

function offsetOf({ offset }: ReceivedFrame): number {
  if (!Number.isSafeInteger(offset)) throw new RuleBroken('an ack should have the offset of its message')
  return offset as number
}

export function demand(holds: boolean, why: string): asserts holds {
  if (!holds) throw new RuleBroken(why)
}

/** The answer for that topic in a `welcome` or `subscribed`, checked. */
export function answerIn(frame: ReceivedFrame, topic: string): Answer {
  const topics = (frame['topics'] ?? {}) as Record<string, Partial<Answer> | undefined>
  const answer = topics[topic]
  demand(answer !== undefined, `the ${frame.type} should answer the topic that was asked for`)
  const { epoch, offset, after } = answer
  demand(typeof epoch === 'string' && epoch !== '', 'an answer should name its epoch')
  demand(
    Number.isSafeInteger(offset) && offset! >= 0 && Number.isSafeInteger(after) && after! >= 0,
    'an answer should have offset and after, whole numbers from 0',
  )
  return answer as Answer
}

/**
 * Checks that the topic's messages on that connection are exactly those after `after` and up to `last`: once, in order,
 * and each naming the one before.
 */
export function chain(client: FrameClient, topic: string, after: number, last: number, skip = 0) {
  const messages = client
    .of('message')
    .filter((frame) => frame['topic'] === topic)
    .slice(skip)
  let at = after
  for (const { offset, prev } of messages as { offset?: unknown; prev?: unknown }[]) {
    const before = prev ?? Number(offset) - 1
    demand(Number.isSafeInteger(offset), 'a message should have an offset')
    demand((offset as number) > at, `offset ${String(offset)} came after ${at}: a message is sent once, in order`)
    demand(
      before === at,
      `offset ${String(offset)} names ${String(before)} as the one before it, but ${at} came before it`,
    )
    at = offset as number
  }
  demand(
    at === last,
    `the last message should have the offset ${last}, but ${at === after ? 'none came' : `${at} was the last`}`,
  )
}
