import { LiveSocketError } from '../../src/index.js'
import type { Observation } from '../../src/testing/index.js'
import { tell } from './story.js'

/**
 * A minute or so of everything that can happen to a live socket, drawn from one seed, and then calm. Returns what broke
 * a promise: nothing when none was broken.
 */
export async function weather(seed: number, storms = 25): Promise<string[]> {
  const signedIn = seed % 4 === 0
  const { sim, socket, room, end } = tell(
    {
      seed,
      servers: 1 + (seed % 2),
      history: seed % 5 !== 0,
      reconnectSpread: 1_000,
      requireToken: signedIn,
      filter: seed % 3 === 0 ? (_, data) => !String(data).endsWith('3') : undefined,
    },
    (sim) => (signedIn ? { getToken: sim.getToken } : {}),
  )
  const chance = (share: number) => sim.random() < share
  const between = (least: number, most: number) => least + sim.random() * (most - least)
  const broken: string[] = []
  const outcomes = new Map<string, unknown>()
  let last: { cancel(): void } | null = null
  const others: Observation[] = []
  let passer: Observation | null = null
  let count = 0

  const publish = () => {
    const id = `mine ${++count}`
    socket.publish('room', id).then(
      ({ offset }) => outcomes.set(id, offset),
      (error: unknown) => outcomes.set(id, error instanceof LiveSocketError ? error.code : error),
    )
  }
  /** What is bad passes by itself, soon or a little later. */
  const passing = (undo: () => void) => void sim.clock.setTimeout(undo, between(20, chance(0.2) ? 20_000 : 2_500))
  const doors = ['refuses', 'hangs', 'mute', 'busy', 'draining'] as const
  const directions = ['up', 'down', 'both'] as const
  const deploy = () =>
    void (last = sim.deploy({
      deadline: between(200, 6_000),
      spread: chance(0.5) ? between(0, 2_000) : 0,
      staleDials: chance(0.3) ? 1 : 0,
      url: chance(0.3) ? 'direct' : chance(0.1) ? 'wss://elsewhere.test/live' : undefined,
    }))
  const paths = () => sim.delay({ up: between(1, 300), down: between(1, 300) })
  const events: [name: string, happen: () => void][] = [
    ['a deploy', deploy],
    ['a deploy', deploy],
    ['a deploy, cancelled', () => (deploy(), passing(() => last?.cancel()))],
    ['a cancellation', () => last?.cancel()],
    ['a rebalance', () => sim.rebalance({ deadline: between(200, 6_000), staleDials: chance(0.5) ? 1 : 0 })],
    ['a handover of its own', () => void socket.handover().catch(() => {})],
    ['a crash', () => (sim.crash(), passing(sim.restart))],
    ['one crash', () => sim.servers.find(({ legs }) => legs > 0)?.crash()],
    [
      'a crash in a deploy',
      () => (
        deploy(),
        sim.clock.setTimeout(
          () =>
            sim.servers
              .filter(({ legs }) => legs > 0)
              .at(chance(0.5) ? 0 : -1)
              ?.crash(),
          between(0, 400),
        )
      ),
    ],
    ['a closed door', () => (sim.refuse(doors[Math.floor(between(0, 5))]!, between(0, 3_000)), passing(sim.accept))],
    ['a dead path', () => (sim.freeze(directions[Math.floor(between(0, 3))]!), passing(sim.thaw))],
    ['no network', () => (sim.offline(), passing(sim.online))],
    ['another network', () => sim.changeNetwork()],
    ['other paths', paths],
    ['other paths in a deploy', () => (deploy(), paths())],
    ['sleep', () => (sim.sleep(), passing(sim.wake))],
    ['a hidden tab', () => (sim.hide(60_000), passing(sim.show))],
    ['a stored page', () => (sim.store(), passing(sim.restore))],
    [
      'a stored page in a deploy',
      () => (deploy(), sim.clock.setTimeout(() => (sim.store(), passing(sim.restore)), between(0, 300))),
    ],
    [
      'a slow replay',
      () => sim.servers.forEach((server) => (server.replayInterval = chance(0.5) ? between(1, 50) : 0)),
    ],
    ['mute servers', () => sim.servers.forEach((server) => (server.acks = chance(0.5)))],
    ['a trimmed log', () => sim.log.trim('room', Math.floor(between(0, 20)))],
    ['revoked tokens', () => chance(0.3) && sim.tokens.revoke()],
    ['no tokens', () => (sim.tokens.down(), passing(sim.tokens.up))],
    ['one more handler', () => void others.push(sim.observe(socket, chance(0.5) ? 'room' : 'lobby'))],
    [
      'a handler that comes and goes',
      () => (passer ? (passer.stop(), (passer = null)) : (passer = sim.observe(socket, 'lobby'))),
    ],
    ['a new epoch', () => chance(0.3) && sim.log.loseEpoch('room')],
  ]
  socket.connect()
  await sim.advance(between(0, 300))
  for (let storm = 0; storm < storms; storm++) {
    const [name, happen] = events[Math.floor(between(0, events.length))]!
    happen()
    if (!sim.servers.some(({ taking }) => taking))
      sim.clock.setTimeout(() => sim.servers.at(-1)!.restart(), between(0, 2_000))
    for (let round = Math.floor(between(1, 6)); round > 0; round--) {
      if (chance(0.7)) sim.publish('room', `theirs ${sim.published.length}`)
      if (chance(0.4)) sim.publish('lobby', `theirs ${sim.published.length}`)
      if (chance(0.4)) publish()
      await sim.advance(between(1, chance(0.1) ? 4_000 : 250))
    }
    const open = sim.servers.reduce((sum, { legs }) => sum + legs, 0)
    if (socket.store.getState().status === 'closed')
      broken.push(`after "${name}" it is closed: ${JSON.stringify(socket.store.getState().closed)}`)
    if (open > 40) broken.push(`after "${name}" the servers have ${open} legs of it`)
  }
  // Calm.
  sim.accept()
  sim.restore()
  sim.show()
  sim.online()
  sim.thaw()
  sim.delay(10)
  for (const server of sim.servers) Object.assign(server, { door: 'open', acks: true, replayInterval: 0 })
  if (!sim.servers.some(({ taking }) => taking)) sim.servers.at(-1)!.restart()
  sim.servers.at(-1)!.taking = true
  sim.tokens.up()
  await sim.advance(400_000)
  const late = sim.observe(socket, 'lobby')
  await sim.advance(100)
  for (const topic of ['room', 'lobby']) sim.publish(topic, 'the last one')
  await sim.advance(1_000)

  broken.push(
    ...room.problems(),
    ...others.flatMap((other) => other.problems()),
    ...(passer ? (passer as Observation).problems() : []),
  )
  for (const other of [...others, late])
    if (other.messages.at(-1)?.data !== 'the last one') broken.push('a later handler did not get the last message')
  if (room.messages.at(-1)?.data !== 'the last one') broken.push('the last message did not arrive')
  const { status, handover, outbox } = socket.store.getState()
  if (status !== 'live') broken.push(`at the end it is ${status}`)
  if (handover) broken.push(`at the end it is still in a handover: ${JSON.stringify(handover)}`)
  if (outbox.messages > 0) broken.push(`at the end ${outbox.messages} publishes are unanswered`)
  const legs = sim.servers.reduce((sum, server) => sum + server.legs, 0)
  if (legs !== 1) broken.push(`at the end the servers have ${legs} legs of it`)
  for (let number = 1, place = -1; number <= count; number++) {
    const id = `mine ${number}`
    const places = sim.published.flatMap(({ data }, at) => (data === id ? [at] : []))
    const outcome = outcomes.get(id)
    if (places.length > 1) broken.push(`${id} was applied ${places.length} times`)
    if (outcome === undefined) broken.push(`${id} never settled`)
    else if (typeof outcome === 'number' && sim.published[places[0] ?? -1]?.offset !== outcome)
      broken.push(`${id} settled at ${outcome} and is not there`)
    else if (typeof outcome === 'string' && outcome !== 'outcome-unknown' && places.length > 0)
      broken.push(`${id} settled as ${outcome} and was applied`)
    if (places[0] !== undefined) {
      if (places[0] < place) broken.push(`${id} was applied out of order`)
      place = places[0]
    }
  }
  end()
  await sim.advance(5_000)
  const left = sim.servers.reduce((sum, server) => sum + server.legs, 0)
  if (left > 0) broken.push(`after close() the servers have ${left} legs of it`)
  return broken
}
