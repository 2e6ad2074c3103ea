import { common, script } from './script.js'
import { ATTENDANCE_SCRIPTS } from './attendance-scripts.js'
import { ROLL_SCRIPTS } from './roll-scripts.js'

/**
 * A leg is alive while the lease of its node runs. Every node renews its lease three times in that time. If no node did
 * for half of it, Redis itself was away, and every node that was alive then gets its full lease again. The field `gone`
 * of a session says that its end was reported.
 */
const SESSION = `
local function nameOf(leg) return string.match(leg, '^%d+ (.*)$') end
local function leases(nodes, lease)
  local all, newest, held = redis.call('HGETALL', nodes), 0, {}
  for at = 2, #all, 2 do newest = math.max(newest, tonumber(all[at])) end
  for at = 1, #all, 2 do
    held[all[at]] = tonumber(all[at + 1])
    if newest < now + lease / 2 and held[all[at]] > newest - lease then
      held[all[at]] = now + lease
      redis.call('HSET', nodes, all[at], num(now + lease))
    end
  end
  return held
end
local function legs(session, held)
  local all = redis.call('HGETALL', session)
  local found, dead = {alive = 0}, {}
  for at = 1, #all, 2 do
    if not string.match(all[at], '^l:') then found[all[at]] = all[at + 1]
    elseif (held[all[at + 1]] or 0) > now then found.alive = found.alive + 1
    else dead[#dead + 1] = all[at] end
  end
  return found, dead
end
-- The sessions without legs, the longest idle first. A session that is forgotten here has expired, or makes room.
local function rest(idle, session, name, age, most)
  redis.call('ZADD', idle, num(now), name)
  local prefix = string.sub(session, 1, #session - #name)
  for _ = 1, 16 do
    local first = redis.call('ZRANGE', idle, 0, 0, 'WITHSCORES')
    if tonumber(first[2]) >= now - age and redis.call('ZCARD', idle) <= most then return end
    redis.call('ZREM', idle, first[1])
    if first[1] ~= name then redis.call('UNLINK', prefix .. first[1]) end
  end
end
`

/**
 * Marks a session as departing that is present in a topic, and whose end nobody would report otherwise: it was reported
 * before, or the session expired with a leap of the clock. If the session is here after all, its node says so before
 * anybody is told.
 */
const DEPART = `
local function depart(tag, name)
  if redis.call('EXISTS', tag .. 'attends:' .. name) == 1 then redis.call('ZADD', tag .. 'departing', num(now), name) end
end
`

/**
 * KEYS: root, session, nodes, the legs of this node, the idle sessions. ARGV 4…: leg, subject, node, how long an idle
 * session is kept, lease, the leg's name in the set of its node.
 */
const ADMIT = `${common()}${SESSION}
local session, nodes, lease = KEYS[2], KEYS[3], tonumber(ARGV[8])
local no = barred('HSET', nodes, 'EXISTS', session, 'HGETALL', session, 'HDEL', session, 'HSET', session, 'SADD', KEYS[4], 'ZREM', KEYS[5], 'PEXPIRE', session)
if no then return no end
local held = leases(nodes, lease)
local known = redis.call('EXISTS', session) == 1
local found, dead = legs(session, held)
if known and found.subject ~= ARGV[5] then return {'forbidden'} end
if known and tonumber(ARGV[4]) <= tonumber(found.newest or '0') then return {'superseded'} end
redis.call('HSET', nodes, ARGV[6], num(now + lease))
if #dead > 0 then redis.call('HDEL', session, unpack(dead)) end
redis.call('HSET', session, 'newest', ARGV[4], 'subject', ARGV[5], 'l:' .. ARGV[4], ARGV[6])
redis.call('SADD', KEYS[4], ARGV[9])
redis.call('ZREM', KEYS[5], nameOf(ARGV[9]))
if not known and ARGV[4] == '1' then redis.call('HSET', session, 'under', epoch .. ':' .. num(begun)) end
if found.gone then redis.call('HDEL', session, 'gone') end
redis.call('PEXPIRE', session, ARGV[7])
return {'admitted', (not known or found.gone) and 'first' or 'more'}
`

/**
 * KEYS as in ADMIT. ARGV 4…: leg, node, how long an idle session is kept, lease, the leg's name in the set of its node,
 * '1' if this was asked before, the most idle sessions that are kept.
 */
const RELEASE = `${common()}${SESSION}${DEPART}
local session, leg = KEYS[2], ARGV[4]
local name = nameOf(ARGV[8])
local prefix = string.sub(session, 1, #session - #name - #'session:')
local no = barred('SREM', KEYS[4], 'EXISTS', session, 'HGET', session, 'HGETALL', session, 'HDEL', session, 'PEXPIRE', session, 'HSET', KEYS[3], 'HSET', session,
  'EXISTS', prefix .. 'attends:' .. name, 'ZADD', prefix .. 'departing', 'ZADD', KEYS[5], 'ZRANGE', KEYS[5], 'ZCARD', KEYS[5], 'ZREM', KEYS[5], 'UNLINK', session)
if no then return no end
redis.call('SREM', KEYS[4], ARGV[8])
if redis.call('HGET', session, 'l:' .. leg) ~= ARGV[5] then
  if redis.call('EXISTS', session) == 0 then depart(prefix, name) end
  return {'ok', ARGV[9] == '1' and redis.call('HGET', session, 'gone') == leg and 'last' or 'more'}
end
redis.call('HDEL', session, 'l:' .. leg)
redis.call('PEXPIRE', session, ARGV[6])
if legs(session, leases(KEYS[3], tonumber(ARGV[7]))).alive > 0 then return {'ok', 'more'} end
redis.call('HSET', session, 'gone', leg)
depart(prefix, name)
rest(KEYS[5], session, name, tonumber(ARGV[6]), tonumber(ARGV[10]))
return {'ok', 'last'}
`

/**
 * KEYS: root, nodes, the legs of this node, the idle sessions, and sessions that have legs here. ARGV 4…: node, lease,
 * how long an idle session is kept; and for each session its newest leg here, its subject, its name, and its legs,
 * separated by spaces. Restores what Redis may have lost of them. Answers whether the lease had expired, the count of
 * appends, the newest append, the time, since when nothing was forgotten, and the names of the sessions whose end was
 * reported meanwhile.
 */
const RENEW = `${common()}${SESSION}
local no = barred('HSET', KEYS[2], 'HSET', root, 'HMGET', root, 'ZREM', KEYS[4])
for at = 5, #KEYS do no = no or barred('HSET', KEYS[at], 'HDEL', KEYS[at], 'PEXPIRE', KEYS[at], 'SADD', KEYS[3]) end
if no then return no end
local late = (leases(KEYS[2], tonumber(ARGV[5]))[ARGV[4]] or 0) <= now
redis.call('HSET', KEYS[2], ARGV[4], num(now + tonumber(ARGV[5])))
-- If nobody publishes, the leases still need the time to be recorded.
redis.call('HSET', root, 'tip', tip())
local reply = {'ok', late and 'late' or 'in time', num(seq), last, num(now), num(begun)}
for at = 5, #KEYS do
  local base = 7 + (at - 5) * 4
  local session, newest, subject, name = KEYS[at], ARGV[base], ARGV[base + 1], ARGV[base + 2]
  local known = redis.call('HMGET', session, 'subject', 'newest', 'gone')
  if ARGV[base + 3] ~= '' and (not known[1] or known[1] == subject) then
    if tonumber(known[2] or '0') < tonumber(newest) then redis.call('HSET', session, 'newest', newest, 'subject', subject) end
    for leg in string.gmatch(ARGV[base + 3], '%d+') do
      redis.call('HSET', session, 'l:' .. leg, ARGV[4])
      redis.call('SADD', KEYS[3], leg .. ' ' .. name)
    end
    if known[3] then
      redis.call('HDEL', session, 'gone')
      reply[#reply + 1] = name
    end
    redis.call('ZREM', KEYS[4], name)
    redis.call('PEXPIRE', session, ARGV[6])
    -- The record of its publishes is kept as long as one of its legs can still bring more.
    redis.call('PEXPIRE', string.sub(session, 1, #session - #name - #'session:') .. 'record:' .. epoch .. ':' .. name, num(tonumber(ARGV[6]) + 120000))
  end
end
return reply
`

/**
 * Takes over the legs of a node whose lease has expired, some at a time, so that they are released from here. If this
 * node dies meanwhile, another one takes them over in turn. KEYS: root, nodes, the legs of this node, members. ARGV 4…:
 * node, lease, for how long a lease must have been expired, the prefix of all key names, the most legs. Answers each
 * leg's number, session and subject.
 */
const SWEEP = `${common()}${SESSION}${DEPART}
local no = barred('EXISTS', ARGV[7] .. 'session:', 'EXISTS', ARGV[7] .. 'attends:', 'ZADD', ARGV[7] .. 'departing', 'SREM', KEYS[4], 'SPOP', ARGV[7] .. 'legs:', 'HSET', KEYS[2], 'HDEL', KEYS[2], 'HGET', ARGV[7] .. 'session:', 'HSET', ARGV[7] .. 'session:', 'SADD', KEYS[3])
if no then return no end
local reply = {'ok'}
for node, lease in pairs(leases(KEYS[2], tonumber(ARGV[5]))) do
  if node ~= ARGV[4] and lease + tonumber(ARGV[6]) <= now then
    local taken = redis.call('SPOP', ARGV[7] .. 'legs:' .. node, ARGV[8])
    for _, one in ipairs(taken) do
      local leg, name = string.match(one, '^(%d+) (.*)$')
      local session = ARGV[7] .. 'session:' .. name
      if redis.call('HGET', session, 'l:' .. leg) == node then
        redis.call('HSET', session, 'l:' .. leg, ARGV[4])
        redis.call('SADD', KEYS[3], one)
        for _, field in ipairs({leg, name, redis.call('HGET', session, 'subject') or '-'}) do reply[#reply + 1] = field end
      elseif redis.call('EXISTS', session) == 0 then depart(ARGV[7], name)
      end
    end
    if #taken > 0 then return reply end
    redis.call('HDEL', KEYS[2], node)
    -- It is no longer called: the others have long known what it knew.
    redis.call('SREM', KEYS[4], node)
  end
end
return reply
`

/** KEYS: lock. ARGV: holder, milliseconds. The holder gets it for that long again. */
const LOCK = `
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {'ok', 'mine'}
end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return {'ok', 'mine'} end
-- A lock that would last longer was left when the clock was set back.
redis.call('PEXPIRE', KEYS[1], ARGV[2], 'LT')
return {'ok', 'taken'}
`

/** KEYS: lock. ARGV: holder. */
const UNLOCK = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'ok'}
`

export const SCRIPTS = {
  ...ROLL_SCRIPTS,
  ...ATTENDANCE_SCRIPTS,
  admit: script('admit', ADMIT),
  release: script('release', RELEASE),
  renew: script('renew', RENEW),
  sweep: script('sweep', SWEEP),
  lock: script('lock', LOCK),
  unlock: script('unlock', UNLOCK),
}
