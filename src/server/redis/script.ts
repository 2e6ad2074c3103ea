import { createHash } from 'node:crypto'

/**
 * The Lua that runs in Redis: one script for each operation, so that each is one atomic step. The scripts check before
 * they write, because Redis does not roll back: they check the types of keys, and with `barred` the permission for
 * every command that may follow the first write. If a command is refused in the middle of a script, Redis 7.0 reports
 * ERR, and keeps what was written before.
 */
export interface Script {
  readonly name: string
  readonly lua: string
  readonly sha: string
}

export function script(name: string, lua: string): Script {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') }
}

/**
 * Takes commands and the keys that they would touch. Returns the error to answer with if one is not permitted, before
 * anything is written.
 */
export const BARRED = `
local function barred(...)
  local touched = {...}
  for at = 1, #touched, 2 do
    if not redis.acl_check_cmd(touched[at], touched[at + 1]) then
      return redis.error_reply('NOPERM The ACL lets this user not run ' .. touched[at] .. ' on the keys of this log: nothing was done')
    end
  end
end
`

/**
 * A term is the time for which one process is the master. Redis gives each a random name, which changes with a start,
 * and with each promotion.
 */
export const TERM = `
local function term() return string.match(redis.call('INFO', 'replication'), 'role:master.-master_replid:(%w+)') end
`

/**
 * Milliseconds. The tip is written far more often while any node lives. If more time has passed since it was written,
 * the clock has leapt ahead, or no node was there; unless a node vouches that Redis was away for that long. A shorter
 * leap loses nothing: records and sessions are kept for at least ten minutes, and those that are here are reported
 * every five.
 */
export const LEAP = 5 * 60_000

/**
 * What changes with every append is in one field of the root, `tip`: the time, what the clock said then, when the term
 * was last checked, the count of appends, the bytes in the feed, and the newest append's place in the feed and its
 * stamp.
 *
 * `raw` is what the clock says. `now` is a time that never goes back: it adds up what has passed since the last time
 * that was written, and a clock that is set back does not stop it.
 *
 * @param given Lua: see `timeText`.
 */
export const TIP = (given: string, tip: string) => `
local clock = redis.call('TIME')
local real = clock[1] * 1000 + math.floor(clock[2] / 1000)
local given, counted = string.match(${given}, '^(%d*):?(%d*)$')
local raw = tonumber(given) or real
local at, rawBefore, looked, seq, feedBytes, last = string.match(${tip} or '', '^(%d+):(%d+):(%d+):(%d+):(%d+):(.*)$')
local now = tonumber(at or raw) + math.max(0, raw - tonumber(rawBefore or raw))
looked, seq, feedBytes, last = tonumber(looked or '0'), tonumber(seq or '0'), tonumber(feedBytes or '0'), last or ''
local function tip() return string.format('%d:%d:%d:%d:%d:', now, raw, looked, seq, feedBytes) .. last end
-- Expiry follows the clock, so a leap of the clock expires keys at once: a missing key was perhaps forgotten.
local function leapt() return at and raw - tonumber(rawBefore) >= ${LEAP} and now - (tonumber(counted) or 0) >= ${LEAP} end
`

/**
 * The time as it is given to a script: a replacement for Redis's clock, or nothing; and, if known, the time as this
 * node has counted it on its own since it last heard it. If the node counted just as much, the clock did not leap:
 * Redis was away.
 */
export function timeText(given: number | undefined, counted: number | null): string {
  return `${given ?? ''}:${counted ?? ''}`
}

/**
 * ARGV: the epoch and the run that this node believes in, and the time (see `timeText`). If Redis has another epoch or
 * another term, the script answers `stale`, and nothing was done. A number must never pass through `tostring`, which
 * rounds.
 *
 * Redis is asked for its term at most once in 25 ms: in less time no process loses its place as the master, gets
 * another's data over a new link, and is promoted.
 *
 * @param field one more field of the root, in Lua; its value is `state[6]`.
 */
export function common(field = `'tip'`): string {
  return `${BARRED}${TERM}
local root = KEYS[1]
local epoch = ARGV[1]
local function num(n) return string.format('%d', n) end
local state = redis.call('HMGET', root, 'epoch', 'run', 'tip', 'begun', 'made', ${field})
if state[1] ~= epoch or state[2] ~= ARGV[2] then return {'stale'} end
local begun, made = tonumber(state[4]), tonumber(state[5] or '0')
${TIP('ARGV[3]', 'state[3]')}
if string.byte(ARGV[2]) ~= 63 and (real < looked or real >= looked + 25) then
  if term() ~= ARGV[2] then return {'stale'} end
  looked = real
end
if leapt() then
  local no = barred('HSET', root)
  if no then return no end
  begun = now
  redis.call('HSET', root, 'tip', tip(), 'begun', num(begun))
end
`
}
