import { BARRED, LEAP, script, TIP } from './script.js'

/**
 * KEYS: a stream of news, and the root, for the time. ARGV: the node, what it tells, the most entries, and the
 * milliseconds for which it is kept: there may be a token in it. A stream that has expired begins anew behind where it
 * was, whatever became of the clock: who listens has read up to there, and hears nothing that comes before it.
 */
export const TELL = script(
  'tell',
  `${BARRED}
local no = barred('HGET', KEYS[2], 'HSET', KEYS[2], 'XADD', KEYS[1], 'XTRIM', KEYS[1], 'PEXPIRE', KEYS[1])
if no then return no end
local known = redis.pcall('HGET', KEYS[2], 'tip')
if type(known) ~= 'string' then known = nil end
${TIP(`''`, 'known')}
local function add(id) return redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], id, ARGV[1], ARGV[2]) end
local added = add(string.format('%d-*', now))
-- The root was lost, and the stream was not.
if type(added) == 'table' then added = add('*') end
if type(added) == 'table' then return redis.error_reply(added.err) end
if known and raw - tonumber(rawBefore) < ${LEAP} then redis.call('HSET', KEYS[2], 'tip', tip()) end
redis.call('XTRIM', KEYS[1], 'MINID', string.format('%d', now - tonumber(ARGV[4])))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'told'}
`,
)
