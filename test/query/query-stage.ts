import { notifyManager, QueryClient, QueryObserver } from '@tanstack/query-core'
import { keepCurrent, type KeepCurrentOptions, type Snapshot } from 'livesocket/query'
import { onTestFinished } from 'vitest'
import { api, append, world } from '../socket/fold-kit.js'

type Orders = Snapshot<readonly number[]>

export const queryKey = ['orders']

/** A live socket in a simulation, an API that answers after 100 ms, and a cache with its query `orders`. */
export async function queryStage(options = {}) {
  const w = await world(options)
  const { load, asks, answers } = api(w)
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } })
  onTestFinished(() => {
    w.socket.close()
    client.clear()
  })
  const query = { queryKey, queryFn: ({ signal }: { signal: AbortSignal }) => load({ signal, attempt: 0 }) }
  const shown: (readonly number[] | undefined)[] = []
  /** Observes the query, as the library's adapters do for components. */
  const look = () => {
    const observer = new QueryObserver<Orders>(client, query)
    const told = () => {
      const state = observer.getCurrentResult().data?.state
      if (state !== shown.at(-1)) shown.push(state)
    }
    return observer.subscribe(notifyManager.batchCalls(told))
  }
  return {
    ...w,
    asks,
    answers,
    client,
    query,
    shown,
    look,
    keep: (more: Partial<KeepCurrentOptions<readonly number[], number, 'orders'>> = {}) =>
      keepCurrent(w.socket, 'orders', { client, queryKey, reducer: append, ...more }),
    state: () => client.getQueryData<Orders>(queryKey)?.state,
    data: () => w.simulation.published.flatMap(({ topic, data }) => (topic === 'orders' ? [data as number] : [])),
  }
}
