import { expect, it } from 'vitest'
import { seededRandom } from '../kit/seeded-random.js'
import { queryKey, queryStage } from './query-stage.js'

/** One life of a query: whatever happens, in whatever order, it has every message once and in order in the end. */
async function live(seed: number) {
  const w = await queryStage({ seed })
  const random = seededRandom(seed)
  const steps: string[] = []
  const leaves = [w.look()]
  const undos = [w.keep()]
  let published = 0
  const acts: Record<string, () => unknown> = {
    publish: () => {
      for (let n = random() * 20; n > 0; n--) w.simulation.publish('orders', ++published)
    },
    fetch: () => w.client.invalidateQueries({ queryKey }),
    cancel: () => w.client.cancelQueries({ queryKey }),
    look: () => leaves.push(w.look()),
    leave: () => leaves.pop()?.(),
    keep: () => undos.push(w.keep()),
    undo: () => undos.pop()?.(),
    move: () => w.simulation.deploy(),
    crash: () => {
      w.simulation.crash()
      w.simulation.restart()
    },
    trim: () => w.simulation.log.trim('orders', 5),
    epoch: () => w.simulation.log.loseEpoch('orders'),
    fail: () => w.answers((now) => (random() < 0.5 ? new Error('503') : now)),
    lag: () => {
      const old = w.client.getQueryData(queryKey)
      w.answers((now) => (old && random() < 0.5 ? (old as typeof now) : now))
    },
    'sign out': () => {
      w.socket.signOut()
      w.socket.connect()
    },
  }
  const names = Object.keys(acts)
  const wrong = () => {
    const state = w.state()
    // The state may be behind, but must have no hole and no repetition.
    return state?.some((n, at) => n !== at + 1) && `${steps.join(', ')}: ${state.join(' ')}`
  }
  for (let n = 0; n < 30; n++) {
    const name = names[Math.floor(random() * names.length)]!
    steps.push(name)
    void acts[name]!()
    await w.simulation.advance(random() < 0.5 ? random() * 50 : random() * 2_000)
    expect(wrong() || '').toBe('')
  }
  w.answers((now) => now)
  // Retrying a failed first fetch is the library's task; here the next observer does it.
  await w.simulation.advance(500)
  w.look()
  w.keep()
  w.simulation.publish('orders', ++published)
  // By now retries have failed several times.
  await w.simulation.advance(300_000)
  w.simulation.publish('orders', ++published)
  await w.simulation.advance(300)
  expect(w.state(), `seed ${seed}: ${steps.join(', ')}`).toEqual(w.data())
}

it('shows every message once and in order, whatever happens to the query, its users, its API and the connection', async () => {
  const lives = Number(process.env['QUERY_LIVES'] ?? 6)
  for (let seed = 1; seed <= lives; seed++) await live(seed)
})
