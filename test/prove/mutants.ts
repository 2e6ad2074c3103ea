import type { Plant } from './planter.js'

/**
 * `judge`: the test file that must find the mistake, and `only` the tests in it. Without it, the search must find the
 * mistake.
 */
export interface Mutant extends Plant {
  readonly name: string
  readonly judge?: string
  readonly only?: string
}

const plants = (file: string, mistakes: Readonly<Record<string, readonly [from: string, to: string]>>) =>
  Object.entries(mistakes).map(([name, [from, to]]) => ({ name, file, from, to }))

/**
 * Mistakes that a developer could make; the search must find each of them. Mistakes within the merge have a search of
 * their own (test/topics/merge-mutants.test.ts), because the subscriptions would catch what the merge delivers twice.
 */
const OF_THE_CLIENT: readonly Mutant[] = [
  ...plants('handover/machine.ts', {
    'a third leg is dialled while two live': [`if (active && turn.old) return`, `if (false) return`],
    'the old leg is dropped at the cutover': [`turn.old = active`, `turn.old = null`],
    'a standby leg that fails closes the active one too': [
      `if (leg === standby?.leg && active) return standbyFailed(`,
      `if (false) return standbyFailed(`,
    ],
    'when the new leg dies the old one does not serve again': [
      `turn.active = old turn.old = null`,
      `turn.active = null; turn.old = null`,
    ],
    'a standby leg is forgotten when the active one dies': [
      `if (standby) return untried(turn)`,
      `if (standby) { turn.standby = null; return untried(turn) }`,
    ],
    'no dial follows a failed one': [`wait(turn, verdict.backoff, failures, verdict)`, ``],
    'a stopped session leaves its standby leg open': [
      `[turn.standby, turn.old, turn.active]`,
      `[turn.active, turn.old]`,
    ],
    'the numbering of legs starts over within a session': [
      `const leg = ++turn.legs`,
      `const leg = (turn.active?.leg ?? 0) + 1; turn.legs = leg`,
    ],
  }),
  ...plants('topics/topic-sequence.ts', {
    'a hole is skipped without a gap': [
      `this.#handlers.gap({ topic: this.name, epoch: at.epoch, from: at.offset + 1, to, reason })`,
      ``,
    ],
    'a new epoch is no gap': [
      `this.#handlers.gap({ topic: this.name, epoch: at.epoch, from: null, to: null, reason: 'epoch' })`,
      ``,
    ],
    'the position does not advance': [`this.offset = offset this.#tries = 0`, `this.#tries = 0`],
    'a gap is one too long': [`from: at.offset + 1, to, reason`, `from: at.offset, to, reason`],
  }),
  ...plants('topics/leg-view.ts', {
    'the start of a leg’s replay is taken for its head': [
      `named = { epoch, head, after, from`,
      `named = { epoch, head, after: head, from`,
    ],
  }),
  ...plants('publishes/outbox-queue.ts', {
    'unanswered publishes of a dead leg are not sent again': [
      `if (!leg) return false this.#requeue(leg)`,
      `if (!leg) return false`,
    ],
    'a newer publish overtakes one that is unanswered on the old leg': [
      `if (!held.has(entry.lane)) yield entry`,
      `yield entry`,
    ],
    'repeats go out in another order': [
      `if (entry.leg === leg && wanted(entry)) this.place(entry, null)`,
      `if (entry.leg === leg && wanted(entry)) (this.remove(entry), this.add(entry))`,
    ],
    'unanswered publishes of an old leg are dropped when it dies': [
      `if (entry.leg === leg && wanted(entry)) this.place(entry, null)`,
      ``,
    ],
  }),
  ...plants('publishes/outbox.ts', {
    'an answer settles nothing': [`if (entry) this.#succeed(entry, ack)`, ``],
    'a repeat has no age': [
      `if (firstSent && entry.type === 'publish') entry.age = Math.round(since(clock, firstSent))`,
      ``,
    ],
    'one number for all publishes': [`topic, n: ++this.#count`, `topic, n: 1`],
  }),
  ...plants('policy/close-verdict.ts', {
    'a draining server ends the session': [
      `case 'draining': case 1001:`,
      `case 'draining': return stop('server', close, error); case 1001:`,
    ],
    'a busy server ends the session': [
      `case 'busy': return { do: 'retry', backoff: 'busy'`,
      `case 'busy': return stop('server', close, error); return { do: 'retry', backoff: 'busy'`,
    ],
    'a refused token is not renewed': [
      `case 'unauthorized': case 1008:`,
      `case 'unauthorized': return SPREAD; case 1008:`,
    ],
  }),
]

const judged = (judge: string, ...mistakes: readonly (readonly Mutant[])[]) =>
  mistakes.flat().map((one) => ({ ...one, judge }))

/** Mistakes in code that the search does not run: each file has tests that must find the mistake. */
const BESIDE_IT: readonly Mutant[] = [
  ...judged(
    'test/foreign/foreign-merge.test.ts',
    plants('foreign/foreign-delivery.ts', {
      'with numbered messages, the message at the position is delivered again': [
        `if (offset <= at.offset) return`,
        `if (offset < at.offset) return`,
      ],
      'a gap of a foreign server is one too long': [`at.offset + 1, prev, 'lost'`, `at.offset, prev, 'lost'`],
      'the old leg of a foreign server changes the numbering': [`if (!active) return this.#gap(`, `this.#gap(`],
      'a message that both legs bring is delivered twice': [
        `else if (!this.recent.bring(leg, name)) return void this.counts.duplicates++`,
        `else this.recent.bring(leg, name)`,
      ],
    }),
    plants('foreign/foreign-merge.ts', {
      'held messages are delivered in their order of arrival': [
        `if (this.#numbered) sortByPosition(waiting, this.#delivery.epoch)`,
        ``,
      ],
    }),
  ),
  ...judged(
    'test/tokens/token-keeper-tabs.test.ts',
    plants('tokens/token-tabs.ts', {
      'the end of a login session is not recorded for tabs that were asleep': [
        `return seen === 0 || seen === this.#session ? null`,
        `return true ? null`,
      ],
      'a new tab begins a login session of its own': [
        `if (group.read('session') === 0) group.write('session', Math.max(1, Math.floor(clock.now())))`,
        `group.write('session', Math.max(1, Math.floor(clock.now())))`,
      ],
    }),
  ),
  ...judged(
    'test/server/topics/topic-feed.test.ts',
    plants('server/topics/topic-feed.ts', {
      'messages that arrive while a topic is being opened are lost': [
        `for (const event of missed) this.hear(event)`,
        ``,
      ],
      'an entry that arrives twice is delivered twice': [`if (event.entry.offset <= this.heard) return`, ``],
      'a reader that waits for room is sent more after it has left': [`reader.gone = true`, ``],
      'a live reader is sent more after it has left': [`this.readers.delete(reader)`, ``],
      'a feed that is closed keeps its tail': [`this.stopTail?.()`, ``],
      'a head that is older than what a leg knows is accepted': [`&& offset <= this.known &&`, `&&`],
      'a restarted tail is assumed to have lost nothing': [
        `if (offset <= this.heard) return this.heard = offset`,
        `return this.heard = offset`,
      ],
      'entries that a restarted tail skipped are not read': [
        `if (!reader.live || reader.next > offset) continue`,
        `continue`,
      ],
      'a server claims to replay trimmed entries': [`Math.max(wanted, oldest - 1)`, `wanted`],
    }),
  ),
  ...judged(
    'test/server/publishes/publisher.test.ts',
    plants('server/publishes/publisher.ts', {
      'a repeat is authorized again': [`if (known) return known`, ``],
      'a forbidden publish is accepted': [`if (!denial) return null`, `return null`],
    }),
  ),
  ...judged(
    'test/server/publishes/publisher.test.ts',
    plants('server/identity/permission.ts', {
      'a publish is accepted when its permission cannot be checked': [
        `return { code: 'busy', message: 'The server cannot check at present whether this is allowed.', retryAfter: 1_000 }`,
        `return null`,
      ],
    }),
  ),
  ...judged(
    'test/server/log/memory-log.test.ts',
    plants('server/log/publish-record.ts', {
      'a repeat is applied again': [`if (known) return known.answer`, ``],
      'a late copy is applied after a newer publish': [`if (last && place.n <= last.n) return`, `if (false) return`],
    }),
    plants('server/log/topic-history.ts', {
      'a reader gets the message at its position again': [
        `Math.max(0, offset + 1 - oldest.offset)`,
        `Math.max(0, offset - oldest.offset)`,
      ],
    }),
    plants('server/log/session-register.ts', {
      'a late leg replaces a newer one': [`if (session && leg <= session.newest) return { outcome: 'superseded' }`, ``],
      'any subject can take over a session': [
        `if (session?.owner && session.owner.subject !== subject) return { outcome: 'forbidden' }`,
        ``,
      ],
    }),
    plants('server/log/memory-log.ts', {
      'a log that lost its data remembers its publishes': [`sessions.loseRecords()`, ``],
    }),
  ),
  ...judged(
    'test/server/drain/drain.test.ts',
    plants('server/drain/drain-run.ts', {
      'all legs are asked to hand over at once': [
        `const wait = this.#isCrowded() ? CROWDED : this.#rate.wait()`,
        `const wait = 0`,
      ],
      'a leg that is asked later gets a deadline that is too long': [
        `deadline: Math.max(0, Math.floor(this.#left))`,
        `deadline: this.#options.deadline`,
      ],
      'the newest leg is asked first': [`[...this.remaining].reverse()`, `[...this.remaining]`],
    }),
  ),
  ...judged(
    'test/server/redis/redis-log.test.ts',
    plants('server/redis/topic-scripts.ts', {
      'the append script applies a repeat': [`if known then return {'repeat', known, num(now)} end`, ``],
      'the read script returns the message at the position again': [
        `local from, messages, bytes = '(' .. ARGV[5]`,
        `local from, messages, bytes = ARGV[5]`,
      ],
      'the append script skips a number': [
        `topic.offset = topic.offset + 1 topic.bytes`,
        `topic.offset = topic.offset + 2\ntopic.bytes`,
      ],
    }),
  ),
  ...judged(
    'test/server/redis/redis-log.test.ts',
    plants('server/redis/topic-scripts.ts', {
      'the append script does not count the bytes that it stores': [`topic.bytes = topic.bytes + #data trim`, `trim`],
    }),
    plants('server/redis/topic-head-script.ts', {
      'the scripts keep entries that are too old': [`or now - topic.at >= maxAge) do`, `) do`],
    }),
    plants('server/redis/record-script.ts', {
      'the append script applies a late copy after a newer publish': [
        `elseif newest and tonumber(n) <= tonumber(newest) then`,
        `elseif false then`,
      ],
      'the record of a session drops nothing when it is full': [
        `local old = count >= maxIds and redis.call('HGET', record, slot)`,
        `local old = false`,
      ],
      'the record of a session does not know that it has dropped entries': [
        `set('f', num(math.max(tonumber(at), tonumber(said[2] or '-1'))))`,
        ``,
      ],
    }),
    plants('server/redis/attendance-scripts.ts', {
      'a member that leaves stays on the list of members': [`redis.call('HDEL', attending, session)`, ``],
      'a member that enters after its end is not removed': [
        `then redis.call('ZADD', departing, num(now), session) end`,
        `then end`,
      ],
      'a session can be present in any number of topics': [`< most then`, `< 1e9 then`],
    }),
  ),
  ...judged(
    'test/server/redis/redis-faults.test.ts',
    plants('server/redis/topic-head-script.ts', {
      'a topic with readers is dropped when the log is full': [
        `if tonumber(quietest[2]) > now or quietest[1] == name then return end`,
        ``,
      ],
    }),
  ).map((one) => ({ ...one, only: 'a followed topic is never evicted' })),
  ...judged(
    'test/server/redis/roll-call.test.ts',
    plants('server/redis/roll-scripts.ts', {
      'a node that lacks something counts as agreeing': [
        `if found == 'found' then redis.call('HSET', call, node, 1) end`,
        `redis.call('HSET', call, node, 1)`,
      ],
      'a Redis that has less than a node knows is trusted': [`if known.seq > seq then return 'lost' end`, ``],
      'an epoch holds before all have agreed': [
        `if ARGV[4] == '0' and redis.call('HEXISTS', call, member) == 0 then return {'past'} end`,
        ``,
      ],
      'a node in an earlier term is counted': [`if told and term() ~= ARGV[1] then return {'other'} end`, ``],
    }),
  ).map((one) => ({ ...one, only: 'the scripts on a real Redis' })),
]

export const MUTANTS: readonly Mutant[] = [...OF_THE_CLIENT, ...BESIDE_IT]
