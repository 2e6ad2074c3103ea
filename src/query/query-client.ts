/** What is known of one query in the cache. */
export interface CachedQuery {
  readonly queryHash: string
  readonly state: { readonly data: unknown; readonly fetchStatus: string }
  getObserversCount(): number
  reset(): void
}

interface Exactly {
  readonly queryKey: readonly unknown[]
  readonly exact: true
}

/**
 * A `QueryClient` of TanStack Query 5, whichever adapter (`@tanstack/react-query`, `vue-query`, …) it comes from: nothing
 * of the library is imported, so that there are never two of it.
 */
export interface QueryClientLike {
  getQueryCache(): {
    get(queryHash: string): CachedQuery | undefined
    subscribe(listener: (event: { readonly query: { readonly queryHash: string } }) => void): () => void
  }
  defaultQueryOptions(options: { queryKey: readonly unknown[] }): { readonly queryHash: string }
  setQueryData(queryKey: readonly unknown[], data: unknown): unknown
  removeQueries(filters: Exactly): void
  refetchQueries(filters: Exactly, options: { cancelRefetch: boolean }): Promise<void>
}
