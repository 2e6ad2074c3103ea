import { nanoid } from 'nanoid'
import { CLAIM, MOST_DEPARTED, type Attendance, type AttendanceChanges, type Departure } from '../log/attendance.js'
import { decodeName, encodeName, type Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import { placeText } from './record-text.js'
import type { Script } from './script.js'
import { SCRIPTS } from './scripts.js'
import type { TopicScripts } from './topic-scripts.js'

export interface RedisAttendanceDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly node: string
  readonly scripts: Pick<TopicScripts, 'attend' | 'attending'>
}

/** Other nodes may make ids with another salt; one more try is usually enough to learn it. */
const TRIES = 3

export function createRedisAttendance({ connection, keys, node, scripts }: RedisAttendanceDeps): Attendance {
  /** As far as it is known here. */
  let salt = nanoid()
  let stamped = 0

  const run = (script: Script, ask: (root: string) => { keys: string[]; args: (string | number)[] }) =>
    connection.run(script, ask)

  async function attend(topic: string, most: number, { set, gone }: AttendanceChanges) {
    let under = ''
    const [outcome, ...rest] = await run(scripts.attend, (root) => ({
      keys: [
        keys.root,
        keys.feed,
        keys.topics(root),
        keys.record(root, ''),
        keys.session(''),
        keys.topic((under = root), topic),
        keys.attending(root, topic),
      ],
      args: [
        encodeName(topic),
        '',
        '',
        placeText(undefined, undefined, null),
        '',
        // No append of this node has the same stamp.
        `${node.slice(0, 8)}.+${(++stamped).toString(36)}`,
        salt,
        keys.tag,
        most,
        ...set.flatMap(({ session, row }) => [encodeName(session), row, '']),
        ...gone.flatMap(({ session, ids, departed }) => [encodeName(session), departed ? '-' : '', ids]),
      ],
    }))
    if (outcome === 'salt') {
      salt = String(rest[0])
      return null
    }
    if (outcome === 'new') connection.knows({ epoch: under, seq: Number(rest[0]), last: String(rest[1]) })
    return { refused: new Set(rest.slice(outcome === 'new' ? 2 : 0).map((name) => decodeName(String(name))!)) }
  }

  return {
    async change(topic, most, compose) {
      for (let tries = 0; ; tries++) {
        const changed = await attend(topic, most, compose(salt))
        if (changed) return changed
        if (tries === TRIES) throw new Error('The salt of presence keeps changing')
      }
    },
    async list(topic) {
      const [, known, epoch, offset, ...flat] = await run(scripts.attending, (root) => ({
        keys: [keys.root, keys.attending(root, topic)],
        args: [encodeName(topic), salt],
      }))
      salt = String(known)
      return {
        salt,
        epoch: String(epoch),
        offset: Number(offset),
        rows: flat.filter((_, at) => at % 2 === 1).map(String),
      }
    },
    async departed(grace, session) {
      const [, ...flat] = await run(SCRIPTS.departed, () => ({
        keys: [keys.root, keys.departing],
        args: [grace, CLAIM, keys.tag, MOST_DEPARTED, session === undefined ? '' : encodeName(session)],
      }))
      const departures: Departure[] = []
      for (let at = 0; at < flat.length; at += 3) {
        const [name, topic, row] = flat.slice(at, at + 3).map(String)
        departures.push({ session: decodeName(name!)!, topic: decodeName(topic!)!, row: row! })
      }
      return departures
    },
  }
}
