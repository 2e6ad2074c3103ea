import { BARRED, script } from './script.js'

/**
 * KEYS: a stream of news. ARGV: the node, what it tells, the most entries, and the milliseconds for which it is kept:
 * there may be a token in it.
 */
export const TELL = script(
  'tell',
  `${BARRED}
local no = barred('XADD', KEYS[1], 'XTRIM', KEYS[1], 'PEXPIRE', KEYS[1])
if no then return no end
-- Before anything is written: it may be forbidden.
local now = redis.call('TIME')[1] * 1000
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', ARGV[1], ARGV[2])
redis.call('XTRIM', KEYS[1], 'MINID', string.format('%d', now - tonumber(ARGV[4])))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {'told'}
`,
)
