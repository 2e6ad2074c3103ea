import { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import { givenFunction } from '../options/option-table.js'
import type { CoreSocket, TopicName } from '../socket/live-socket.js'
import { checkTopic } from '../socket/topic-arguments.js'
import type { KeepCurrentOptions } from './options.js'
import { QueryKeeper } from './query-keeper.js'

/**
 * Keeps a query's data current. Its `queryFn` fetches a snapshot, `{ state, position }`. Each message after that
 * position goes through the reducer into the query's data, once and in order, at most once per animation frame. After a
 * gap the query is fetched again, until a snapshot joins up with the topic. In a new session, after a sign-out, the
 * query is reset, and fetched again when the socket connects. Returns a function that stops this. Throws `invalid` if
 * `topic` is no topic name, `socket` no live socket or `reducer` no function.
 */
export function keepCurrent<Topics extends object, Topic extends TopicName<Topics>, State>(
  socket: CoreSocket<Topics, any, any>,
  topic: Topic,
  options: KeepCurrentOptions<State, Topics[Topic], Topic>,
): () => void {
  checkTopic(topic)
  const { client, queryKey, reducer } = options
  givenFunction('reducer', reducer)
  const { queryHash } = client.defaultQueryOptions({ queryKey })
  const keepers = all.get(client) ?? new Map<string, QueryKeeper>()
  all.set(client, keepers)
  const former = keepers.get(queryHash)
  let keeper = former
  if (former && !(former.socket === socket && former.topic === topic)) {
    if (former.users > 0)
      throw new LiveSocketError(
        'invalid',
        explain`keepCurrent: "${former.topic}" already keeps the query ${queryHash} current; another topic or socket needs another key.`,
      )
    // This socket cannot know whose data they are.
    former.wipe()
    former.end()
    keeper = undefined
  }
  if (!keeper) {
    keeper = new QueryKeeper(socket, topic, options, queryHash, former !== undefined, () => keepers.delete(queryHash))
    keepers.set(queryHash, keeper)
  }
  return keeper.use(options)
}

/** Components come and go; a keeper stays until its query has left the cache. */
const all = new WeakMap<object, Map<string, QueryKeeper>>()
