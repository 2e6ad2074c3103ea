import { BARRED, LEAP, script, TIP } from './script.js'

/**
 * KEYS: a stream of news, and the root, for the time. ARGV: the node, its news, the most entries, and the milliseconds
 * that they are kept, because they may contain a token. A stream that has expired starts over with ids above the
 * earlier ones, whatever happened to the clock: listeners have read up to those, and get nothing with a lower id.
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
