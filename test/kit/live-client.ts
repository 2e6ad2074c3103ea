import { createLiveSocket, type LiveSocketEvents, type LiveSocketOptions } from '../../src/index.js'

/** What a live socket in a page did so far, as plain data that can leave the page. */
export interface ClientRecord {
  /** All statuses from the first time that the socket was live. */
  readonly statuses: readonly string[]
  /**
   * How long each time lasted in which the socket was not live, after it first was, ms. Time in the back/forward cache
   * does not count.
   */
  readonly away: readonly number[]
  /** The age of the page when the socket was first live, ms. */
  readonly liveAt: number | null
  readonly received: readonly number[]
  readonly gaps: readonly LiveSocketEvents['gap'][]
  /** For each publish, in the order of the calls: the offset of its answer, or the code of its error. */
  readonly outcomes: readonly (number | string | undefined)[]
  /** How many legs were dialled, and which were closed. */
  readonly dialled: number
  readonly closed: readonly LiveSocketEvents['leg-closed'][]
  readonly moves: readonly LiveSocketEvents['handover-finished'][]
  readonly longestSilence: number
}

/** A live socket in a real browser that reads `load`, publishes into `mine`, and records what happens. */
export function startLiveClient(url: LiveSocketOptions['url'], options: Partial<LiveSocketOptions> = {}) {
  const socket = createLiveSocket<{ load: number; mine: number }>({ url, getToken: async () => 'a token', ...options })
  const record = {
    statuses: [] as string[],
    away: [] as number[],
    liveAt: null as number | null,
    received: [] as number[],
    gaps: [] as LiveSocketEvents['gap'][],
    outcomes: [] as (number | string | undefined)[],
    dialled: 0,
    closed: [] as LiveSocketEvents['leg-closed'][],
    moves: [] as LiveSocketEvents['handover-finished'][],
  }
  let stopPublishing = () => {}
  let waiting: { holds: () => boolean; resolve: () => void }[] = []
  const look = () => {
    const done = waiting.filter(({ holds }) => holds())
    waiting = waiting.filter((one) => !done.includes(one))
    for (const { resolve } of done) resolve()
  }

  let wasLive = false
  let awaySince: number | undefined
  let status = 'idle'
  socket.store.subscribe((state) => {
    if (state.status !== status) {
      status = state.status
      if (wasLive) record.statuses.push(status)
      wasLive ||= status === 'live'
      if (wasLive) record.liveAt ??= performance.now()
      if (status !== 'live') awaySince ??= wasLive ? performance.now() : undefined
      else if (awaySince !== undefined) record.away.push(performance.now() - awaySince)
      if (status === 'live') awaySince = undefined
    }
    look()
  })
  socket.subscribe('load', (number) => {
    record.received.push(number)
    look()
  })
  socket.on('gap', (gap) => void record.gaps.push(gap))
  socket.on('leg-dialling', () => void record.dialled++)
  socket.on('leg-closed', (event) => void record.closed.push(event))
  socket.on('handover-finished', (event) => {
    record.moves.push(event)
    look()
  })
  socket.connect()

  function publish() {
    const number = record.outcomes.push(undefined)
    const settle = (outcome: number | string) => {
      record.outcomes[number - 1] = outcome
      look()
    }
    socket.publish('mine', number).then(
      ({ offset }) => settle(offset!),
      ({ code }: { code: string }) => settle(code),
    )
  }

  /** Resolves when `holds` is true. It is checked whenever something has happened. */
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      waiting.push({ holds, resolve })
      look()
    })

  return {
    socket,
    /** A copy of the record. */
    record: (): ClientRecord => ({ ...structuredClone(record), longestSilence: socket.stats().longestSilence }),
    live: () => until(() => socket.store.getState().status === 'live'),
    reached: (number: number) => until(() => (record.received.at(-1) ?? 0) >= number),
    /** Resolves when `number` has arrived, every publish is answered, and one leg is open. */
    settled: (number: number) =>
      until(
        () =>
          (record.received.at(-1) ?? 0) >= number &&
          record.outcomes.every((outcome) => outcome !== undefined) &&
          socket.store.getState().handover === null,
      ),
    dialled: (count: number) => until(() => record.dialled >= count),
    /** Counts a running outage from now on: the page came from the back/forward cache, or is hit again. */
    awayFromNow: () => void (awaySince &&= performance.now()),
    moved: (count: number) => until(() => record.moves.length >= count),
    publish,
    publishEvery(interval: number) {
      const timer = setInterval(publish, interval)
      stopPublishing = () => clearInterval(timer)
    },
    stopPublishing: () => stopPublishing(),
    close: () => {
      stopPublishing()
      socket.close()
    },
  }
}

export type LiveClient = ReturnType<typeof startLiveClient>
