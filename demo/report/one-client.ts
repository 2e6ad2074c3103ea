import { memoryLog } from 'livesocket/server'
import { systemClock } from '../../src/base/clock.js'
import { createChecker, type Summary } from '../../test/kit/checker.js'
import { connectClient, type Moves } from '../../test/kit/client.js'
import { startCluster } from '../../test/kit/cluster.js'
import { connectOverlapping } from '../peers.js'
import { startPublisher, type Numbered } from '../../test/kit/publisher.js'
import { createRelay } from '../../test/kit/relay.js'
import { sleep, until } from '../../test/kit/wait.js'
import { createVisitor } from '../../test/kit/visitor.js'

export interface Scene {
  history: boolean
  /** Messages a second on each topic. */
  rate: number
  topics?: number
  moves: number
  /**
   * Round-trip times before and after a handover, in milliseconds. If they differ, every other handover goes back to the
   * first one, and is counted too.
   */
  from: number
  to: number
  /** Milliseconds after its request at which the old server's connections are reset. */
  loseAfter?: number
}

export interface SceneResult {
  readonly livesocket: Summary
  readonly overlap: Summary
  readonly moves: Moves
}

/**
 * A LiveSocket and a raw overlap next to each other on a fast stream, handed over a few times: each handover in detail.
 */
export async function oneClient(scene: Scene): Promise<SceneResult> {
  const cluster = await startCluster({
    size: 1,
    log: memoryLog(scene.history ? {} : { history: { maxMessages: 0 } }),
    drain: { rate: 10_000, deadline: 5_000 },
  })
  const relay = createRelay({ target: { port: cluster.port }, delay: scene.from })
  await relay.ready
  const url = `ws://127.0.0.1:${relay.port}/live`
  const checker = createChecker(() => systemClock.monotonic())
  const topics = Array.from({ length: scene.topics ?? 1 }, (_, index) => `topic-${index}`)

  const client = connectClient({
    name: 'client',
    url,
    tokenUrl: cluster.tokens.url,
    topics,
    checked: checker.client('livesocket', topics),
  })
  const { token } = (await createVisitor(cluster.tokens.url, 'peer').getToken()) as { token: string }
  const checked = checker.client('overlap')
  const peer = connectOverlapping({
    url,
    topics,
    token: async () => token,
    message: (topic, offset, data) => checked.delivered(topic, (data as Numbered).n, offset),
    live: (live) => checked.live(live),
    moving: () => checked.moving(),
  })
  await until(() => client.socket.store.getState().status === 'live', 10_000, 'the client to be live')

  const publishers = topics.map((name) =>
    startPublisher({
      name,
      rate: scene.rate,
      send(message) {
        checker.sent(name, message.n)
        void cluster.publish(name, message)
      },
    }),
  )
  await sleep(500 + scene.from)

  for (let move = 0; move < scene.moves; move++) {
    relay.setDelay(move % 2 === 0 ? scene.to : scene.from)
    const before = client.socket.store.getState().leg!.number
    if (scene.loseAfter !== undefined) await cluster.deployAndLose(scene.loseAfter)
    else await cluster.deploy()
    const arrived = () => {
      const { status, leg } = client.socket.store.getState()
      return status === 'live' && leg !== null && leg.number > before
    }
    // Longer than the dwell, so that the next request is served at once.
    await until(arrived, 5_000, 'the client to hand over').catch(() => {})
    await sleep(1_100)
  }

  checker.end()
  for (const publisher of publishers) publisher.stop()
  await sleep(300 + 2 * Math.max(scene.from, scene.to))
  const result = {
    livesocket: checker.summary('livesocket'),
    overlap: checker.summary('overlap'),
    moves: client.moves,
  }
  client.close()
  peer.close()
  await relay.close()
  await cluster.close()
  return result
}
