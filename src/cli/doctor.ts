import { systemClock, type Clock } from '../base/clock.js'
import { answerIn, createCheckContext, type CheckOptions, type Welcomed } from './check-context.js'
import { probeUpgrade, sharesConnection, whyNot, type UpgradeProbe } from './upgrade-probe.js'
import { RuleBroken } from './frame-client.js'

export type Health = 'good' | 'mind' | 'bad'

export interface Symptom {
  readonly health: Health
  /** What was seen, and what to do about it. */
  readonly text: string
}

export interface DoctorOptions extends CheckOptions {
  /**
   * How long to look for something on the path that cuts idle connections, in milliseconds. Default 65,000: most cut at
   * 60 s.
   */
  readonly idle?: number
  readonly clock?: Clock
  seen?(symptom: Symptom): void
}

/**
 * Looks at a real deployment as a client of it would: what is wrong, and what a deploy would do. Publishes two messages
 * to a topic of its own, if it may.
 */
export async function doctor({
  idle = 65_000,
  clock = systemClock,
  seen = () => undefined,
  ...options
}: DoctorOptions): Promise<Symptom[]> {
  const symptoms: Symptom[] = []
  const say = (health: Health, text: string) => {
    symptoms.push({ health, text })
    seen({ health, text })
  }
  const context = createCheckContext({ patience: 5_000, clock, ...options })
  try {
    await examine()
  } catch (thrown) {
    say('bad', thrown instanceof Error ? thrown.message : String(thrown))
  } finally {
    context.done()
  }
  return symptoms

  async function examine() {
    const began = clock.monotonic()
    const first = await context.open().catch(() => null)
    const plain = first ? null : await context.open([]).catch(() => null)
    if (plain || (first && first.protocol !== 'livesocket.v1')) {
      return say(
        'bad',
        `It selected ${first?.protocol || 'no subprotocol'} instead of livesocket.v1: browsers refuse that. Is this a LiveSocket server, and does the proxy pass Sec-WebSocket-Protocol on?`,
      )
    }
    const probe = await probeUpgrade(options.url, context)
    if (!first) return say('bad', whyNot(probe))
    say('good', `A WebSocket opens, in ${Math.round(clock.monotonic() - began)} ms.`)
    say('good', 'It speaks livesocket.v1.')
    await sharing(probe)
    const topic = context.topic()
    const asked = clock.monotonic()
    first.send(context.hello({ [topic]: {} }))
    const welcome = await first.next('welcome').catch(async (thrown: unknown) => {
      const [error] = first.of('error')
      if (error?.['code'] === 'unauthorized') say('bad', 'It wants a token: give one with --token.')
      else if (error?.['code'] === 'draining')
        say('bad', 'It is draining: it takes nobody. The balancer should not have sent anybody here.')
      else
        say(
          'bad',
          `No welcome: ${thrown instanceof RuleBroken ? thrown.message : String(error?.['message'] ?? thrown)}`,
        )
      return null
    })
    if (!welcome) return
    say('good', `Welcomed by ${String(welcome['server'])} in ${Math.round(clock.monotonic() - asked)} ms.`)
    spreadOf(welcome['reconnectSpread'])
    if (await replays(topic)) say('good', 'What is published while a client is away is replayed when it comes back.')
    await path(welcome['heartbeat'])
    await drains()
  }

  /** What keeps the second connection of a move on the way of the first. */
  async function sharing(probe: UpgradeProbe) {
    if (probe.outcome === 'upgraded' && probe.cookies.length > 0) {
      say(
        'mind',
        `It sets the cookie ${probe.cookies.join(', ')}: a balancer that sends a browser back to the server that it came from sends those who are asked to move back to the one that they are to leave. Switch session affinity off for this path, or let a server that drains be left out of it.`,
      )
    }
    if (await sharesConnection(options.url, context)) {
      say(
        'mind',
        'Browsers open WebSockets there inside one HTTP/2 connection, which both connections of a move then share: when it dies without a word, dials hang in it until the browser notices. In HAProxy set "h2-workaround-bogus-websocket-clients" in the global section; elsewhere offer HTTP/1.1 alone for this host name; or give the client a second host name, by a url function that looks at "failed".',
      )
    }
  }

  function spreadOf(spread: unknown) {
    if (spread === undefined)
      say(
        'mind',
        'The welcome names no reconnectSpread: if this server dies, its clients come back over 30 s. Set it to its connections divided by what the others accept a second.',
      )
    else if (typeof spread === 'number' && spread < 1_000)
      say(
        'mind',
        `reconnectSpread is ${spread} ms: if this server dies, all of its clients come back within that time.`,
      )
    else say('good', `If this server dies, its clients come back over ${String(spread)} ms.`)
  }

  async function replays(topic: string): Promise<boolean> {
    try {
      const reader = await context.join({ [topic]: {} })
      const { epoch, offset } = answerIn(reader.welcome, topic)
      reader.close()
      const [, last] = await context.publish(await context.join(), topic, 2)
      const back = await context.join({ [topic]: { epoch, offset } })
      await back.next('message', (frame) => frame['offset'] === last)
      const answer = answerIn(back.welcome, topic)
      if (answer.epoch !== epoch)
        say(
          'bad',
          'Two connections met two logs under one name: do all servers behind this address share one log? Without that, every move is a gap.',
        )
      else if (answer.after !== offset)
        say(
          'bad',
          'The replay does not begin where the client left: the log keeps too little, or the servers do not share it.',
        )
      return answer.epoch === epoch && answer.after === offset
    } catch (thrown) {
      say(
        'mind',
        `The replay could not be tried (${thrown instanceof Error ? thrown.message : String(thrown)}). Give a topic that may be published to with --topic.`,
      )
      return false
    }
  }

  async function path(heartbeat: unknown) {
    const quiet = await context.join()
    const from = clock.monotonic()
    const cut = await quiet.closed(idle).catch(() => null)
    const lived = clock.monotonic() - from
    const words = lived < 10_000 ? `${Math.round(lived)} ms` : `${Math.round(lived / 1_000)} s`
    if (!cut) return say('good', `A connection on which the client says nothing lives for ${words} at least.`)
    const ours = typeof heartbeat === 'number' && lived >= heartbeat
    if (ours)
      say(
        'good',
        `A connection on which the client says nothing is closed after ${words} with ${cut.code}: the server noticed, as its heartbeat of ${String(heartbeat)} ms has it.`,
      )
    else
      say(
        'bad',
        `A connection on which the client says nothing was cut after ${words} with ${cut.code}. Something on the path has an idle timeout that is shorter than the heartbeat: raise it, or lower the heartbeat.`,
      )
  }

  async function drains() {
    if (!context.drain)
      return say('mind', 'What a drain does was not looked at: give a command that starts one with --drain.')
    const leg: Welcomed = await context.join()
    context.drain(10_000)
    const handover = await leg.next('handover', undefined, 4 * context.patience).catch(() => null)
    if (!handover) {
      return say(
        'bad',
        leg.isClosed
          ? `The drain closed the connection with ${(await leg.closed()).code} instead of asking it to move: clients see a break.`
          : 'The drain began, and nobody was asked to move.',
      )
    }
    const { deadline } = handover
    if (typeof deadline !== 'number' || !(deadline > 0))
      return say(
        'bad',
        `The drain asks clients to move with ${deadline === undefined ? 'no deadline' : `the deadline ${JSON.stringify(deadline)}`}: they cannot tell how long they have. It is a number of milliseconds.`,
      )
    say('good', `The drain asks clients to move within ${deadline} ms.`)
    const next = await context.join().catch(() => null)
    if (!next)
      return say(
        'bad',
        'While it drains nobody else takes new connections at this address: the clients have nowhere to go. Let the readiness check follow the drain, and another server be there first.',
      )
    if (next.welcome['server'] === leg.welcome['server'])
      return say(
        'bad',
        'New connections still land on the server that drains: the balancer must look at its readiness, and stop sending clients there before the drain.',
      )
    say('good', `New connections land on ${String(next.welcome['server'])} meanwhile.`)
    const { code } = await leg.closed(deadline + 5_000).catch(() => ({ code: 0 }))
    if (code === 1012) say('good', 'Who has not moved by the deadline is closed with 1012.')
    else
      say(
        'bad',
        code === 0
          ? 'Who has not moved by the deadline is not closed.'
          : `Who has not moved is closed with ${code}; 1012 tells clients to come back.`,
      )
  }
}
