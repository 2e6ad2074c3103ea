export { keepCurrent } from './keep-current.js'
export type { KeepCurrentOptions } from './options.js'
export type { CachedQuery, QueryClientLike } from './query-client.js'
export type { Snapshot } from '../socket/snapshot-load.js'
