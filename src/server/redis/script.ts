import { createHash } from 'node:crypto'

/**
 * The Lua that runs in Redis: one script for each operation, so that each is one step of which others see all or nothing. They
 * check before they write, because Redis does not roll back: keys are asked what they are, and `barred` for every command that may follow
 * the first write. What a script is refused in the middle Redis 7.0 calls ERR, and keeps what was written before.
 */
export interface Script {
  readonly name: string
  readonly lua: string
  readonly sha: string
}

export function script(name: string, lua: string): Script {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') }
}

/** Of commands and the keys that they would touch: the error to answer with where one is not permitted, before anything is written. */
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
 * ARGV: the epoch and the run that this node believes in, and the time where it is not Redis's own. Whoever believes in another
 * epoch than Redis does gets `stale`, and nothing was done. A number must never pass through `tostring`, which rounds.
 *
 * @param field one more field of the root, in Lua: what it says is `state[9]`.
 */
export function common(field?: string): string {
  return `${BARRED}
local root = KEYS[1]
local epoch = ARGV[1]
local function num(n) return string.format('%d', n) end
local state = redis.call('HMGET', root, 'epoch', 'run', 'at', 'begun', 'forgotten', 'made', 'seq', 'feedBytes'${field === undefined ? '' : `, ${field}`})
if state[1] ~= epoch or state[2] ~= ARGV[2] then return {'stale'} end
local time = redis.call('TIME')
-- A clock that was set back stands still here.
local now = math.max(tonumber(ARGV[3]) or time[1] * 1000 + math.floor(time[2] / 1000), tonumber(state[3] or '0'))
`
}
