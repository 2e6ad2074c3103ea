import { createHash } from 'node:crypto'

/**
 * The Lua that runs in Redis: one script for each operation, so that each is one step of which others see all or
 * nothing. They check before they write, because Redis does not roll back: keys are asked what they are, and `barred`
 * for every command that may follow the first write. What a script is refused in the middle Redis 7.0 calls ERR, and
 * keeps what was written before.
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
 * Of commands and the keys that they would touch: the error to answer with where one is not permitted, before anything
 * is written.
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
 * The time without one process as the master is a term, and Redis gives each a random name: it changes with a start,
 * and with each promotion.
 */
export const TERM = `
local function term() return string.match(redis.call('INFO', 'replication'), 'role:master.-master_replid:(%w+)') end
`

/**
 * Milliseconds. The tip is written far more often while any node lives: where more have passed since, the clock has leapt
 * ahead, or nobody was there, unless a node vouches that Redis was away for so long. A shorter leap takes nothing with
 * it: records and sessions are kept for ten minutes at least, and those that are here are told of every five.
 */
export const LEAP = 5 * 60_000

/**
 * What changes with every append stands in one field of the root, `tip`: the time, what the clock said then, when the
 * term was last looked at, the count of appends, the bytes in the feed, and where the feed has the newest and its
 * stamp.
 *
 * `raw` is what the clock says, `now` a time that never goes back: it is what has passed since the last time that was
 * written down, which a clock that was set back does not hold up.
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
-- What expires goes by the clock, and has gone with a leap of it: what is not there was perhaps forgotten.
local function leapt() return at and raw - tonumber(rawBefore) >= ${LEAP} and now - (tonumber(counted) or 0) >= ${LEAP} end
`

/**
 * The time as a script is told it: what takes the place of Redis's clock, or nothing; and what the node has counted on
 * its own since it last heard the time, where it has. Where that is as much, it is no leap of the clock: Redis was away.
 */
export function timeText(given: number | undefined, counted: number | null): string {
  return `${given ?? ''}:${counted ?? ''}`
}

/**
 * ARGV: the epoch and the run that this node believes in, and the time (see `timeText`). Whoever believes in
 * another epoch than Redis does, or in another term, gets `stale`, and nothing was done. A number must never pass
 * through `tostring`, which rounds.
 *
 * Which term it is Redis is asked once in 25 ms at most: no process loses its place as the master, gets another's data
 * over a new link and is promoted in less.
 *
 * @param field one more field of the root, in Lua: what it says is `state[6]`.
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
