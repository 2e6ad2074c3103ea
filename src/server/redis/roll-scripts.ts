import { BARRED, script, TERM, TIP } from './script.js'

/**
 * A node reports the last append that it knew of. KEYS: root, feed, members, call, nodes. ARGV: the term, or what this
 * connection was told to find, or an empty text; the node; the epoch, count and place of that append; the time; the
 * lease, if the node has none yet; a name for a call, if there is no term; and the epochs that have ended, each between
 * spaces.
 *
 * Answers `other` if the term has passed. Or `joined`, the epoch, what the scripts have to find in the root, the count
 * of appends, the newest append and the time. Or `called`, the epoch, the call, that count, the newest append, whether
 * the log has the append that this node knows, whether the term is the same, and how many nodes have not answered yet.
 */
const ROLL = `${BARRED}${TERM}
local root, feed, members, call, nodes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local node, known = ARGV[2], {epoch = ARGV[3], seq = tonumber(ARGV[4]), last = ARGV[5]}
local told = ARGV[1] ~= '' and string.byte(ARGV[1]) ~= 63
if told and term() ~= ARGV[1] then return {'other'} end
local no = barred('SADD', members, 'HSETNX', nodes, 'HSET', root, 'HSET', call, 'DEL', call, 'SMEMBERS', members, 'HEXISTS', call, 'XRANGE', feed, 'SET', root)
if no then return no end
local state = redis.call('TYPE', root).ok == 'hash' and redis.call('HMGET', root, 'epoch', 'run', 'call', 'tip') or {}
local epoch, run, called = state[1] or '', state[2] or '', state[3] or ''
local function num(n) return string.format('%d', n) end
${TIP('ARGV[6]', 'state[4]')}
-- The id of a stream entry is two numbers.
local function before(a, b)
  local ams, aseq = string.match(a, '^(%d+)-(%d+)')
  local bms, bseq = string.match(b, '^(%d+)-(%d+)')
  if ams ~= bms then return tonumber(ams) < tonumber(bms) end
  return tonumber(aseq) < tonumber(bseq)
end
local function claim()
  if epoch == '' or string.find(ARGV[9], ' ' .. epoch .. ' ', 1, true) then return 'lost' end
  if known.epoch ~= epoch or known.seq == 0 then return 'found' end
  if known.seq > seq then return 'lost' end
  if known.seq == seq then return known.last == last and 'found' or 'lost' end
  local id, stamp = string.match(known.last, '^(%d+%-%d+):(.*)$')
  local kept = id and redis.pcall('XRANGE', feed, '-', '+', 'COUNT', 1)
  if not kept or kept.err or not kept[1] or before(id, kept[1][1]) then return 'past' end
  local entry = redis.call('XRANGE', feed, id, id)[1]
  local name = entry and entry[2][1] or ''
  if string.match(name, '^(%d+):') == num(known.seq) and string.match(name, '^%d+:%d+:[^:]+:([^:]+):') == stamp then return 'found' end
  return 'lost'
end
local function present()
  redis.call('SADD', members, node)
  if ARGV[7] ~= '' then redis.call('HSETNX', nodes, node, num(now + tonumber(ARGV[7]))) end
  if leapt() then redis.call('HSET', root, 'begun', num(now)) end
  if at then redis.call('HSET', root, 'tip', tip()) end
end
if ARGV[1] ~= '' and not told and (run ~= ARGV[1] or epoch == '') then return {'other'} end
local found = claim()
local same = run ~= '' and run == ARGV[1]
if same and found ~= 'lost' then
  present()
  return {'joined', epoch, run, num(seq), last, num(now)}
end
-- A node without a term to go by answers the present call, or is told how it ended.
local answered = called ~= '' and redis.call('HEXISTS', call, node) == 1
if not told and run ~= '' and called == run and answered and found ~= 'lost' then
  redis.call('HDEL', call, node)
  present()
  return {'joined', epoch, run, num(seq), last, num(now)}
end
if epoch ~= '' and not same and (told and called ~= ARGV[1] or not told and (called == '' or run ~= '')) then
  called = told and ARGV[1] or '?' .. ARGV[8]
  run = ''
  redis.call('DEL', call)
  redis.call('HSET', root, 'call', called, 'run', run)
end
if epoch == '' then called = told and ARGV[1] or '?' .. ARGV[8] end
-- A node that misses something has not agreed. Otherwise another node could find that all have agreed before this one
-- has said so.
if found == 'found' then redis.call('HSET', call, node, 1) end
present()
local missing = 0
for _, member in ipairs(redis.call('SMEMBERS', members)) do
  if redis.call('HEXISTS', call, member) == 0 then missing = missing + 1 end
end
return {'called', epoch, called, num(seq), last, found, same and '1' or '0', num(missing)}
`

/**
 * KEYS: root, feed, members, call. ARGV: `hold` or `renew`, the epoch and the call that this was decided on, how many
 * nodes had not answered, a fresh name, the time, and the prefix of all key names. The name of a new epoch does not
 * depend on the one before: of two losses in a row the second may begin where the first one did, from the same old
 * snapshot.
 */
const SETTLE = `${BARRED}
local root, feed, members, call = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local type = redis.call('TYPE', root).ok
local state = type == 'hash' and redis.call('HMGET', root, 'epoch', 'run', 'call', 'tip') or {}
local epoch = state[1] or nil
local function num(n) return string.format('%d', n) end
if (epoch or '') ~= ARGV[2] or epoch and state[2] == '' and state[3] ~= ARGV[3] then return {'past'} end
if ARGV[1] == 'hold' then
  for _, member in ipairs(redis.call('SMEMBERS', members)) do
    if ARGV[4] == '0' and redis.call('HEXISTS', call, member) == 0 then return {'past'} end
  end
  local no = barred('HSET', root)
  if no then return no end
  redis.call('HSET', root, 'run', ARGV[3])
  return {'ok'}
end
${TIP('ARGV[6]', 'state[4]')}
local no = barred('UNLINK', root, 'UNLINK', feed, 'TYPE', feed, 'HSET', root, 'XADD', feed, 'ZRANGE', root, 'SMEMBERS', members, 'DEL', members)
if no then return no end
redis.call('UNLINK', root)
if epoch then
  local topics, attended = ARGV[7] .. 'topics:' .. epoch, ARGV[7] .. 'attended:' .. epoch
  for _, name in ipairs(redis.call('ZRANGE', topics, 0, -1)) do redis.call('UNLINK', ARGV[7] .. 'topic:' .. epoch .. ':' .. name) end
  for _, name in ipairs(redis.call('SMEMBERS', attended)) do redis.call('UNLINK', ARGV[7] .. 'attending:' .. epoch .. ':' .. name) end
  redis.call('UNLINK', topics, attended)
end
last = ''
redis.call('HSET', root, 'epoch', ARGV[5], 'run', ARGV[3], 'call', ARGV[3], 'begun', num(now), 'tip', tip())
-- Every node joins again before it can know anything of the new epoch.
redis.call('DEL', members)
if redis.call('TYPE', feed).ok ~= 'stream' then redis.call('UNLINK', feed) end
-- Readers that block on the feed wake up.
redis.call('XADD', feed, 'MAXLEN', '~', 1000, '*', 'e', ARGV[5])
return {'ok'}
`

/** KEYS: members. ARGV: a node. */
const LEAVE = `
redis.call('SREM', KEYS[1], ARGV[1])
return {'ok'}
`

export const ROLL_SCRIPTS = {
  roll: script('roll', ROLL),
  settle: script('settle', SETTLE),
  leave: script('leave', LEAVE),
}
