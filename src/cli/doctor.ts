import { systemClock, type Clock } from '../base/clock.js'
import {
  answerIn,
  createCheckContext,
  whyNotWelcomed,
  type CheckContext,
  type CheckOptions,
  type Welcomed,
} from './check-context.js'
import { probeUpgrade, sharesConnection, whyNot, type UpgradeProbe } from './upgrade-probe.js'
import { RuleBroken, Untried } from './frame-client.js'

/** `untried`: nothing was given to try it with. */
export type Health = 'good' | 'mind' | 'bad' | 'untried'

/**
 * How many clients come back to the topic. Behind two servers that are chosen in turn or at random, hardly ever do all
 * of them meet the same one.
 */
const BACK = 4

export interface Symptom {
  readonly health: Health
  /** What was seen, and what to do about it. */
  readonly text: string
}

export interface DoctorOptions extends CheckOptions {
  /**
   * Milliseconds to look for something on the path that cuts idle connections. Default 65,000, because most cut after
   * 60 s.
   */
  readonly idle?: number
  readonly clock?: Clock
  seen?(symptom: Symptom): void
  /** It starts to wait for `idle` milliseconds. */
  waits?(idle: number): void
}

/**
 * Looks at a real deployment from outside, as its clients do: what is wrong, and what a deploy would do. It publishes
 * two messages to a topic of its own, if it may.
 */
export async function doctor(options: DoctorOptions): Promise<Symptom[]> {
  const { clock = systemClock } = options
  const context = createCheckContext({ patience: 5_000, ...options, clock })
  const examination = new Examination({ ...options, clock }, context)
  try {
    await examination.examine()
  } catch (thrown) {
    examination.say('bad', thrown instanceof Error ? thrown.message : String(thrown))
  } finally {
    context.done()
  }
  return examination.symptoms
}

class Examination {
  readonly symptoms: Symptom[] = []
  readonly #url: DoctorOptions['url']
  readonly #idle: number
  readonly #clock: Clock
  readonly #context: CheckContext
  readonly #seen: DoctorOptions['seen']
  readonly #waits: DoctorOptions['waits']

  constructor({ url, idle = 65_000, clock, seen, waits }: DoctorOptions & { clock: Clock }, context: CheckContext) {
    this.#url = url
    this.#idle = idle
    this.#clock = clock
    this.#context = context
    this.#seen = seen
    this.#waits = waits
  }

  say(health: Health, text: string) {
    this.symptoms.push({ health, text })
    this.#seen?.({ health, text })
  }

  async examine() {
    const began = this.#clock.monotonic()
    const first = await this.#context.open().catch(() => null)
    const plain = first ? null : await this.#context.open([]).catch(() => null)
    if (plain || (first && first.protocol !== 'livesocket.v1')) {
      return this.say(
        'bad',
        `It selected ${first?.protocol || 'no subprotocol'} instead of livesocket.v1: browsers refuse that. Is this a LiveSocket server, and does the proxy pass Sec-WebSocket-Protocol on?`,
      )
    }
    const probe = await probeUpgrade(this.#url, this.#context)
    if (!first) return this.say('bad', whyNot(probe))
    this.say('good', `A WebSocket opens, in ${Math.round(this.#clock.monotonic() - began)} ms.`)
    this.say('good', 'It speaks livesocket.v1.')
    await this.#sharing(probe)
    const asked = this.#clock.monotonic()
    first.send(this.#context.hello({}))
    const welcome = await first.next('welcome').catch(async (thrown: unknown) => {
      const said = thrown instanceof RuleBroken ? thrown.message : String(thrown)
      this.say('bad', (await whyNotWelcomed(first, this.#context.token)) ?? `No welcome: ${said}`)
      return null
    })
    if (!welcome) return
    this.say('good', `Welcomed by ${String(welcome['server'])} in ${Math.round(this.#clock.monotonic() - asked)} ms.`)
    await this.#replays(this.#context.topic())
    await this.#path(welcome['heartbeat'])
    // A server may compute the window from the clients that it has welcomed, and the earlier ones may have been the
    // first.
    this.#spreadOf((await this.#context.join()).welcome['reconnectSpread'])
    await this.#drains()
  }

  /** Reports what makes the second connection of a handover take the same route as the first. */
  async #sharing(probe: UpgradeProbe) {
    if (probe.outcome === 'upgraded' && probe.cookies.length > 0) {
      this.say(
        'mind',
        `It sets the cookie ${probe.cookies.join(', ')}. If a balancer uses it to send each browser to the same server again, clients that are asked to hand over come back to the server that they should leave. Switch session affinity off for this path, or exclude draining servers from it.`,
      )
    }
    if (await sharesConnection(this.#url, this.#context)) {
      this.say(
        'mind',
        'Browsers open WebSockets there inside one HTTP/2 connection, which both connections of a handover then share. If it dies silently, dials hang in it until the browser notices. In HAProxy set "h2-workaround-bogus-websocket-clients" in the global section; elsewhere offer only HTTP/1.1 for this host name; or give the client a second host name, with a url function that looks at "failed".',
      )
    }
  }

  #spreadOf(spread: unknown) {
    if (spread === undefined)
      this.say(
        'mind',
        'The welcome names no reconnectSpread: if this server dies, its clients come back over 30 s. Set it to the number of its connections, divided by the number that the other servers accept a second.',
      )
    else if (typeof spread === 'number' && spread < 1_000)
      this.say(
        'mind',
        `reconnectSpread is ${spread} ms: if this server dies, all of its clients come back within that time.`,
      )
    else this.say('good', `If this server dies, its clients come back over ${String(spread)} ms.`)
  }

  /** Several clients come back: behind a balancer they meet several servers. */
  async #replays(topic: string) {
    try {
      const reader = await this.#context.join({ [topic]: {} })
      const { epoch, offset } = answerIn(reader.welcome, topic)
      reader.close()
      const writer = await this.#context.join()
      // Two logs differ in their epochs even if nobody may publish.
      const published = await this.#context.publish(writer, topic, 2).catch((thrown: unknown) => {
        if (thrown instanceof Untried) return thrown
        throw thrown
      })
      const back = await Promise.all(
        Array.from({ length: BACK }, () => this.#context.join({ [topic]: { epoch, offset } })),
      )
      const answers = back.map(({ welcome }) => answerIn(welcome, topic))
      if (answers.some((answer) => answer.epoch !== epoch))
        return this.say(
          'bad',
          'Two connections met two logs under one name: do all servers behind this address share one log? Without that, every handover is a gap.',
        )
      if (published instanceof Untried) throw published
      if (answers.some((answer) => answer.after !== offset))
        return this.say(
          'bad',
          'The replay does not begin where the client left: the log keeps too little, or the servers do not share it.',
        )
      const came = await Promise.all(
        back.map((leg) =>
          leg
            .next('message', (frame) => frame['offset'] === published[1])
            .then(
              () => true,
              () => false,
            ),
        ),
      )
      const without = back[came.indexOf(false)]
      if (without)
        return this.say(
          'bad',
          `A publish that was acknowledged on one connection, by ${String(writer.welcome['server'])}, did not arrive on another, from ${String(without.welcome['server'])}, within ${this.#context.patience} ms: do all servers behind this address share one log? Without that, every handover is a gap.`,
        )
      this.say('good', 'What is published while a client is away is replayed when it comes back.')
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown)
      this.say('mind', `The replay could not be tried: ${why}.`)
    }
  }

  async #path(heartbeat: unknown) {
    const quiet = await this.#context.join()
    const from = this.#clock.monotonic()
    this.#waits?.(this.#idle)
    const cut = await quiet.closed(this.#idle).catch(() => null)
    const lived = this.#clock.monotonic() - from
    const words = lived < 10_000 ? `${Math.round(lived)} ms` : `${Math.round(lived / 1_000)} s`
    if (!cut) return this.say('good', `A connection on which the client sends nothing lives for at least ${words}.`)
    const ours = typeof heartbeat === 'number' && lived >= heartbeat
    if (ours)
      this.say(
        'good',
        `A connection on which the client sends nothing is closed after ${words} with ${cut.code}: the server noticed, in line with its heartbeat of ${String(heartbeat)} ms.`,
      )
    else
      this.say(
        'bad',
        `A connection on which the client sends nothing was cut after ${words} with ${cut.code}. Something on the path has an idle timeout that is shorter than the heartbeat: raise it, or lower the heartbeat.`,
      )
  }

  async #drains() {
    if (!this.#context.drain)
      return this.say('untried', 'A drain was not tried: give a command that starts one with --drain.')
    const leg: Welcomed = await this.#context.join()
    const asked = leg.next('handover', undefined, 4 * this.#context.patience).catch(() => null)
    const handover = await Promise.race([asked, this.#context.drain(10_000)]).catch((thrown: Untried) => thrown)
    if (handover instanceof Untried) return this.say('mind', `The drain could not be tried: ${handover.message}.`)
    if (!handover) {
      return this.say(
        'bad',
        leg.isClosed
          ? `The drain closed the connection with ${(await leg.closed()).code} instead of asking it to hand over: clients see a break.`
          : 'The drain began, but nobody was asked to hand over.',
      )
    }
    const { deadline } = handover
    if (typeof deadline !== 'number' || !(deadline > 0))
      return this.say(
        'bad',
        `The drain asks clients to hand over with ${deadline === undefined ? 'no deadline' : `the deadline ${JSON.stringify(deadline)}`}: they cannot tell how long they have. It must be a number of milliseconds.`,
      )
    this.say('good', `The drain asks clients to hand over within ${deadline} ms.`)
    const next = await this.#context.join().catch(() => null)
    if (!next)
      return this.say(
        'bad',
        'While it drains, no other server accepts new connections at this address: its clients have nowhere to go. Let the readiness check follow the drain, and start another server first.',
      )
    if (next.welcome['server'] === leg.welcome['server'])
      return this.say(
        'bad',
        'New connections still land on the server that drains: the balancer must check its readiness, and stop sending clients there before the drain.',
      )
    this.say('good', `New connections land on ${String(next.welcome['server'])} meanwhile.`)
    const { code } = await leg.closed(deadline + 5_000).catch(() => ({ code: 0 }))
    if (code === 1012) this.say('good', 'Clients that have not handed over by the deadline are closed with 1012.')
    else
      this.say(
        'bad',
        code === 0
          ? 'Clients that have not handed over by the deadline are not closed.'
          : `Clients that have not handed over are closed with ${code}; 1012 tells clients to come back.`,
      )
  }
}
