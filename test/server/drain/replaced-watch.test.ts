import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DrainResult } from '../../../src/server/drain/drain-options.js'
import { releaseAt, watchReplaced } from '../../../src/server/drain/replaced-watch.js'
import { createSimulatedClock, liveServer, until } from '../kit.js'

const EVERY = 5_000

/**
 * A slot of release `v1` that asks at its address. Each question gets the first of the remaining answers; the last
 * answer is repeated.
 */
function slot() {
  const clock = createSimulatedClock()
  const told: string[] = []
  let run: Promise<DrainResult> | null = null
  let answers: (string | null)[] = ['v1']
  let asked = 0
  const stop = watchReplaced(
    { url: 'https://app.example.com/healthz', release: 'v1', every: EVERY },
    {
      clock,
      async ask() {
        asked++
        return answers.length > 1 ? answers.shift()! : answers[0]!
      },
      drain: {
        get refusing() {
          return run !== null
        },
        check: () => undefined,
        start(options) {
          told.push(`drain: ${options?.reason}`)
          return (run = Promise.resolve({ moved: 0, forced: 0 }))
        },
        cancel(only = run!) {
          if (only !== run) return false
          told.push('cancel')
          run = null
          return true
        },
      },
      onError: (error) => told.push(String(error)),
    },
  )
  return {
    told,
    stop,
    get asked() {
      return asked
    },
    /** Somebody else starts a drain, or cancels the present one. */
    set refusing(is: boolean) {
      run = is ? Promise.resolve({ moved: 0, forced: 0 }) : null
    },
    async hears(...given: (string | null)[]) {
      answers = [...given]
      // Each question takes one turn of the clock, and of the promises that wait for its answer.
      for (let at = 0; at < given.length; at++) {
        const before = asked
        for (let step = 0; asked === before && step < 8; step++) {
          await clock.advance(EVERY / 4)
        }
        await clock.flush()
      }
    },
  }
}

const times = (count: number, answer: string | null) => Array.from({ length: count }, () => answer)

describe('a slot that asks its public address who answers', () => {
  it('drains once another release has answered 20 times', async () => {
    const one = slot()
    await one.hears('v1', ...times(19, 'v2'))
    expect(one.told).toEqual([])
    await one.hears('v2')
    expect(one.told).toEqual(['drain: replaced'])
    await one.hears(...times(40, 'v2'))
    expect(one.told).toEqual(['drain: replaced'])
  })

  it('stays where another instance of its own release answers', async () => {
    const one = slot()
    await one.hears(...times(60, 'v1'))
    expect(one.told).toEqual([])
  })

  it('stays while both answer, as in a rolling deploy that is not over or with a canary', async () => {
    const one = slot()
    for (let at = 0; at < 30; at++) await one.hears('v2', 'v2', 'v2', 'v2', 'v1')
    expect(one.told).toEqual([])
  })

  it('ignores a short change: a swap that is soon reverted, a proxy that answers on its own, no answer at all', async () => {
    const one = slot()
    await one.hears(...times(19, 'v2'), 'v1', ...times(60, null), ...times(19, 'v2'), 'v1')
    expect(one.told).toEqual([])
  })

  it('keeps its count where an answer is missing', async () => {
    const one = slot()
    await one.hears(...times(10, 'v2'), null, null, ...times(10, 'v2'))
    expect(one.told).toEqual(['drain: replaced'])
  })

  it('cancels its drain after a swap back, and drains again after the next swap', async () => {
    const one = slot()
    await one.hears(...times(20, 'v2'), 'v1', ...times(20, 'v3'))
    expect(one.told).toEqual(['drain: replaced', 'cancel', 'drain: replaced'])
  })

  it('never cancels a drain that was started elsewhere', async () => {
    const one = slot()
    one.refusing = true
    await one.hears(...times(30, 'v2'), 'v1')
    expect(one.told).toEqual([])
  })

  it('never cancels a drain that was started elsewhere after its own was cancelled', async () => {
    const one = slot()
    await one.hears(...times(20, 'v2'))
    one.refusing = false
    one.refusing = true
    await one.hears(...times(20, 'v2'), 'v1')
    expect(one.told).toEqual(['drain: replaced'])
  })

  it('does not drain again after somebody cancelled its drain, until it is replaced anew', async () => {
    const one = slot()
    await one.hears(...times(20, 'v2'))
    one.refusing = false
    await one.hears(...times(40, 'v2'))
    expect(one.told).toEqual(['drain: replaced'])
    await one.hears('v1', ...times(20, 'v3'))
    expect(one.told).toEqual(['drain: replaced', 'drain: replaced'])
  })

  it('stops asking when it is stopped', async () => {
    const one = slot()
    await one.hears('v1')
    one.stop()
    await one.hears('v2', 'v2')
    expect(one.asked).toBe(1)
  })

  it.each([
    [{ url: 'app.example.com', release: 'v1' }, 'url must be'],
    [{ url: 'https://h', release: '' }, 'release must be'],
    [{ url: 'https://h', release: 'v1\n' }, 'release must be'],
    [{ url: 'https://h', release: 'v1', every: 0 }, 'drainWhenReplaced.every must be'],
    [{ url: 'https://h', release: 'v1', deadline: -1 }, 'drain.deadline must be'],
  ])('says what is wrong with %j', async (options, text) => {
    const server = await liveServer()
    expect(() => server.drainWhenReplaced(options)).toThrow(text)
  })

  it('two real servers behind an address that is swapped: the old one drains on its own, and cancels that after a swap back', async () => {
    const front = createServer((request, response) => void to.healthEndpoint()(request, response))
    onTestFinished(() => void front.close())
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}/healthz`
    const [blue, green] = [await liveServer(), await liveServer()]
    let to = blue
    blue.drainWhenReplaced({ url, release: 'v1', every: 40 })
    green.drainWhenReplaced({ url, release: 'v2', every: 40 })
    const client = await blue.join()
    expect(await releaseAt(url)).toBe('v1')
    expect(blue.stats().draining).toBe(false)
    to = green
    expect(await client.next('handover')).toMatchObject({ reason: 'replaced' })
    expect([blue.stats().draining, green.stats().draining]).toEqual([true, false])
    to = blue
    await until(() => !blue.stats().draining, 'taken back')
    await client.next('handover-cancelled')
  })
})
