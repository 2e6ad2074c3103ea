/** The facts about one query in the cache that are used here. */
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
 * A `QueryClient` of TanStack Query 5 from any adapter (`@tanstack/react-query`, `vue-query`, …). Nothing of the
 * library is imported, so the page never loads a second copy of it.
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
