import { createHash } from 'node:crypto'

/**
 * The Lua that runs in Redis: one script for each operation, so that each is one step of which others see all or nothing. They
 * check before they write, because Redis does not roll back: the first write of each is the one that may fail.
 */
export interface Script {
  readonly name: string
  readonly lua: string
  readonly sha: string
}

/**
 * ARGV: the epoch and the run that this node believes in, and the time where it is not Redis's own. Whoever believes in another
 * epoch than Redis does gets `stale`, and nothing was done. A number must never pass through `tostring`, which rounds.
 */
const COMMON = `
local root = KEYS[1]
local epoch = ARGV[1]
local function num(n) return string.format('%.0f', n) end
local function limit(text) return text == '' and math.huge or tonumber(text) end
local state = redis.call('HMGET', root, 'epoch', 'run', 'at', 'begun', 'forgotten', 'made', 'seq', 'feedBytes')
if state[1] ~= epoch or state[2] ~= ARGV[2] then return {'stale'} end
local time = redis.call('TIME')
-- A clock that was set back stands still here.
local now = math.max(tonumber(ARGV[3]) or time[1] * 1000 + math.floor(time[2] / 1000), tonumber(state[3] or '0'))
local made = tonumber(state[6] or '0')
`

/** Where a topic stands: under which count of forgotten topics it was made, its head, the bytes kept and the time of the oldest. */
const TOPIC = `
local function standing(name)
  local text = redis.call('HGET', root, 't:' .. name)
  if not text then return {made = made, offset = 0, bytes = 0, at = 0} end
  local a, b, c, d = string.match(text, '^(%d+):(%d+):(%d+):(%d+)$')
  return {made = tonumber(a), offset = tonumber(b), bytes = tonumber(c), at = tonumber(d), text = text}
end
local function store(name, topic)
  local text = num(topic.made) .. ':' .. num(topic.offset) .. ':' .. num(topic.bytes) .. ':' .. num(topic.at)
  if text ~= topic.text then redis.call('HSET', root, 't:' .. name, text) end
end
local function named(topic) return epoch .. '.' .. num(topic.made) end
local function field(entry, name)
  for at = 1, #entry[2], 2 do if entry[2][at] == name then return entry[2][at + 1] end end
end
local function trim(key, topic, maxMessages, maxBytes, maxAge)
  local count = redis.call('XLEN', key)
  if count == 0 then
    topic.bytes = 0
    return 0
  end
  local page = 2
  while count > 0 and (count > maxMessages or topic.bytes > maxBytes or now - topic.at >= maxAge) do
    local entries = redis.call('XRANGE', key, '-', '+', 'COUNT', page)
    local last
    for _, entry in ipairs(entries) do
      topic.at = tonumber(field(entry, 'a')) or 0
      if count <= maxMessages and topic.bytes <= maxBytes and now - topic.at < maxAge then break end
      last = entry[1]
      count = count - 1
      topic.bytes = math.max(0, topic.bytes - #(field(entry, 'd') or ''))
    end
    if not last then break end
    local ms, seq = string.match(last, '^(%d+)-(%d+)$')
    redis.call('XTRIM', key, 'MINID', ms .. '-' .. num(tonumber(seq) + 1))
    page = 64
    if count == 0 then topic.bytes = 0 end
  end
  return count
end
local function oldest(key, topic)
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  return first and tonumber(string.match(first[1], '^%d+')) or topic.offset + 1
end
`

/** The rules of `createPublishRecord`, in Redis. An answer is text: `a` and the offset and perhaps `:` and data, `n` and JSON, or `u`. */
const RECORD = `
local forgotten = tonumber(state[5] or '-1')
local function forget(ids, times, window, maxIds)
  local over = redis.call('ZCARD', times) - maxIds
  local from = now - window
  local oldest = redis.call('ZRANGE', times, 0, math.max(4, math.min(over, 100)) - 1, 'WITHSCORES')
  local gone = {}
  for at = 1, #oldest, 2 do
    local sent = tonumber(oldest[at + 1])
    if sent >= from and over <= 0 then break end
    gone[#gone + 1] = oldest[at]
    over = over - 1
    forgotten = math.max(forgotten, sent)
  end
  if #gone == 0 then return end
  redis.call('HSET', root, 'forgotten', num(forgotten))
  redis.call('HDEL', ids, unpack(gone))
  redis.call('ZREM', times, unpack(gone))
end
local function add(ids, times, id, answer, window, maxIds)
  redis.call('HSET', ids, id, answer)
  redis.call('ZADD', times, num(now), id)
  forget(ids, times, window, maxIds)
end
local function find(ids, times, session, id, age, window, maxIds)
  forget(ids, times, window, maxIds)
  local known = redis.call('HGET', ids, id)
  if known then return known end
  if age == '' then return nil end
  -- It was first sent at this moment or later. Was everything applied since then recorded, and is it remembered still?
  local sent = now - tonumber(age)
  if tonumber(age) <= window and sent > forgotten
    and (sent > tonumber(state[4]) or redis.call('HGET', session, 'under') == epoch) then return nil end
  add(ids, times, id, 'u', window, maxIds)
  return 'u'
end
`

/**
 * Which epoch holds here. A root that is missing is data that was lost. A root from another run of Redis is a restart or a
 * failover: unless what was acknowledged is known to survive that, the log may have lost its tail, and takes a new epoch. Its name
 * says nothing of the one before: of two losses in a row the second may begin where the first one did, from the same old snapshot.
 * So has a log that counts fewer appends than this node has heard of, whatever Redis says of itself: an older copy was put back.
 * KEYS: root, feed. ARGV: run, whether it survives ('1'), a fresh name, the time, what all names of keys begin with, an epoch, and how
 * many appends this node has heard of under it.
 */
const JOIN = `
local root, feed = KEYS[1], KEYS[2]
local type = redis.call('TYPE', root).ok
local state = type == 'hash' and redis.call('HMGET', root, 'epoch', 'run', 'seq', 'at') or {}
local epoch = state[1] or nil
local function num(n) return string.format('%.0f', n) end
local time = redis.call('TIME')
local now = math.max(tonumber(ARGV[4]) or time[1] * 1000 + math.floor(time[2] / 1000), tonumber(state[4] or '0'))
local fewer = epoch == ARGV[6] and tonumber(state[3] or '0') < tonumber(ARGV[7])
if not epoch or fewer or (state[2] ~= ARGV[1] and ARGV[2] ~= '1') then
  redis.call('UNLINK', root)
  if epoch then
    for _, name in ipairs(redis.call('ZRANGE', ARGV[5] .. 'topics:' .. epoch, 0, -1)) do redis.call('UNLINK', ARGV[5] .. 'topic:' .. epoch .. ':' .. name) end
    for _, kind in ipairs({'topics:', 'ids:', 'times:'}) do redis.call('UNLINK', ARGV[5] .. kind .. epoch) end
  end
  redis.call('HSET', root, 'epoch', ARGV[3], 'run', ARGV[1], 'begun', num(now), 'at', num(now), 'seq', state[3] or '0')
  epoch = ARGV[3]
  if redis.call('TYPE', feed).ok ~= 'stream' then redis.call('UNLINK', feed) end
  -- Whoever waits on the feed wakes up.
  redis.call('XADD', feed, 'MAXLEN', '~', 1000, '*', 'e', epoch)
elseif state[2] ~= ARGV[1] then
  redis.call('HSET', root, 'run', ARGV[1])
end
return {'ok', epoch, state[3] or '0'}
`

/** KEYS: root, feed, topics, ids, times, session, the topic's stream. Answers `repeat` or `new`, the answer, and of a new one the count of appends, its epoch and offset. */
const APPEND = `${COMMON}${TOPIC}${RECORD}
local feed, topics, ids, times, session, key = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local name, data, id, age, answer = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local maxMessages, maxBytes, maxAge, window, maxIds = limit(ARGV[9]), limit(ARGV[10]), limit(ARGV[11]), limit(ARGV[12]), limit(ARGV[13])
local maxTopics, feedMessages, feedBytes = limit(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
if id ~= '' then
  local known = find(ids, times, session, id, age, window, maxIds)
  if known then return {'repeat', known} end
end
local topic = standing(name)
local offset = topic.offset + 1
local function keep() return redis.pcall('XADD', key, num(offset) .. '-0', 'd', data, 'a', num(now)) end
local kept = keep()
if type(kept) == 'table' and kept.err then
  if string.find(kept.err, 'OOM', 1, true) or string.find(kept.err, 'READONLY', 1, true) or string.find(kept.err, 'MISCONF', 1, true)
    or string.find(kept.err, 'NOREPLICAS', 1, true) then return redis.error_reply(kept.err) end
  -- Something that is not ours stands in the way: what was kept of this topic is lost, its numbers are not.
  redis.call('UNLINK', key)
  topic.bytes = 0
  local again = keep()
  if type(again) == 'table' and again.err then return redis.error_reply(again.err) end
end
if redis.call('XLEN', key) == 1 then
  topic.bytes = 0
  topic.at = now
end
topic.offset = offset
topic.bytes = topic.bytes + #data
trim(key, topic, maxMessages, maxBytes, maxAge)
if maxAge < math.huge then redis.call('PEXPIRE', key, num(maxAge + 60000)) end
local seq = tonumber(state[7] or '0') + 1
local bytes = tonumber(state[8] or '0') + #data
if bytes > feedBytes then
  redis.pcall('XTRIM', feed, 'MAXLEN', math.floor((tonumber(redis.pcall('XLEN', feed)) or 0) / 2))
  bytes = math.floor(bytes / 2)
end
store(name, topic)
redis.call('HSET', root, 'at', num(now), 'seq', num(seq), 'feedBytes', num(bytes))
local told = redis.pcall('XADD', feed, 'MAXLEN', '~', feedMessages, '*', 'n', num(seq), 'e', named(topic), 't', name, 'o', num(offset), 'd', data)
if type(told) == 'table' and told.err then redis.call('UNLINK', feed) end
redis.call('ZADD', topics, num(now), name)
if redis.call('ZCARD', topics) > maxTopics then
  local quietest = redis.call('ZPOPMIN', topics)[1]
  redis.call('HDEL', root, 't:' .. quietest)
  redis.call('HINCRBY', root, 'made', 1)
  redis.call('UNLINK', string.sub(key, 1, #key - #name) .. quietest)
end
local ack = 'a' .. num(offset) .. answer
if id ~= '' then add(ids, times, id, ack, window, maxIds) end
return {'new', ack, num(seq), named(topic), num(offset)}
`

/** KEYS: root, ids, times, session. ARGV 4…: id, age, window, maxIds, and the nack to record, or nothing. */
const FIND = `${COMMON}${RECORD}
local known = find(KEYS[2], KEYS[3], KEYS[4], ARGV[4], ARGV[5], limit(ARGV[6]), limit(ARGV[7]))
if not known and ARGV[8] ~= '' then
  known = ARGV[8]
  add(KEYS[2], KEYS[3], ARGV[4], known, limit(ARGV[6]), limit(ARGV[7]))
end
return {'ok', known or ''}
`

/** KEYS: root, feed, the topic's stream. ARGV 4…: topic, limits. Answers its epoch, head and oldest, and where the feed stands. */
const HEAD = `${COMMON}${TOPIC}
local topic = standing(ARGV[4])
if topic.offset > 0 then
  trim(KEYS[3], topic, limit(ARGV[5]), limit(ARGV[6]), limit(ARGV[7]))
  store(ARGV[4], topic)
end
local last = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local at = (last.err or not last[1]) and '0-0' or last[1][1]
return {'ok', named(topic), num(topic.offset), num(topic.offset > 0 and oldest(KEYS[3], topic) or 1), num(tonumber(state[7] or '0')), at}
`

/** KEYS: root, the topic's stream. ARGV 4…: topic, limits, after, most messages, most bytes. */
const READ = `${COMMON}${TOPIC}
local topic = standing(ARGV[4])
local reply = {'ok', named(topic)}
if topic.offset == 0 then return reply end
trim(KEYS[2], topic, limit(ARGV[5]), limit(ARGV[6]), limit(ARGV[7]))
store(ARGV[4], topic)
local from, messages, bytes = '(' .. ARGV[8] .. '-0', limit(ARGV[9]), limit(ARGV[10])
while messages > 0 and bytes > 0 do
  local page = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', math.min(messages, 64))
  for _, entry in ipairs(page) do
    if bytes <= 0 then break end
    reply[#reply + 1] = entry[1]
    reply[#reply + 1] = field(entry, 'd') or false
    bytes = bytes - #(field(entry, 'd') or '')
    messages = messages - 1
  end
  if #page < 64 then break end
  from = '(' .. page[#page][1]
end
return reply
`

/**
 * A leg is alive while the lease of its node runs. Every node renews its lease three times in that time: where for half of it nobody did,
 * it was Redis that was away, and every node that lived then has its time anew. `gone` stands in a session whose end was told.
 */
const SESSION = `
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
`

/**
 * KEYS: root, session, nodes, the legs of this node. ARGV 4…: leg, subject, node, how long an idle session is kept, lease, the leg among those of
 * its node.
 */
const ADMIT = `${COMMON}${SESSION}
local session, nodes, lease = KEYS[2], KEYS[3], tonumber(ARGV[8])
local held = leases(nodes, lease)
local known = redis.call('EXISTS', session) == 1
local found, dead = legs(session, held)
if known and found.subject ~= ARGV[5] then return {'forbidden'} end
if known and tonumber(ARGV[4]) <= tonumber(found.newest or '0') then return {'superseded'} end
redis.call('HSET', nodes, ARGV[6], num(now + lease))
if #dead > 0 then redis.call('HDEL', session, unpack(dead)) end
redis.call('HSET', session, 'newest', ARGV[4], 'subject', ARGV[5], 'l:' .. ARGV[4], ARGV[6])
redis.call('SADD', KEYS[4], ARGV[9])
if not known and ARGV[4] == '1' then redis.call('HSET', session, 'under', epoch) end
if found.gone then redis.call('HDEL', session, 'gone') end
redis.call('PEXPIRE', session, ARGV[7])
return {'admitted', (not known or found.gone) and 'first' or 'more'}
`

/** KEYS as of ADMIT. ARGV 4…: leg, node, how long an idle session is kept, lease, the leg among those of its node, '1' where this was asked before. */
const RELEASE = `${COMMON}${SESSION}
local session, leg = KEYS[2], ARGV[4]
redis.call('SREM', KEYS[4], ARGV[8])
if redis.call('HGET', session, 'l:' .. leg) ~= ARGV[5] then
  return {'ok', ARGV[9] == '1' and redis.call('HGET', session, 'gone') == leg and 'last' or 'more'}
end
redis.call('HDEL', session, 'l:' .. leg)
redis.call('PEXPIRE', session, ARGV[6])
if legs(session, leases(KEYS[3], tonumber(ARGV[7]))).alive > 0 then return {'ok', 'more'} end
redis.call('HSET', session, 'gone', leg)
return {'ok', 'last'}
`

/**
 * KEYS: root, nodes, the legs of this node, and sessions that have some. ARGV 4…: node, lease, how long an idle session is kept, and for each
 * session its newest leg here, its subject, its name, and its legs, divided by spaces. Puts back what Redis may have lost of them. Answers whether the
 * lease was out, and the names of those whose end was told meanwhile.
 */
const TEND = `${COMMON}${SESSION}
local late = (leases(KEYS[2], tonumber(ARGV[5]))[ARGV[4]] or 0) <= now
redis.call('HSET', KEYS[2], ARGV[4], num(now + tonumber(ARGV[5])))
local reply = {'ok', late and 'late' or 'in time'}
for at = 4, #KEYS do
  local base = 7 + (at - 4) * 4
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
    redis.call('PEXPIRE', session, ARGV[6])
  end
end
return reply
`

/**
 * Takes over the legs of a node whose lease ran out, some at a time, so that they are released from here; should this node die over it,
 * the next one takes them over in turn. KEYS: root, nodes, the legs of this node. ARGV 4…: node, lease, for how long a lease must have been out, what
 * the keys begin with, how many. Answers each one's number, session and subject.
 */
const SWEEP = `${COMMON}${SESSION}
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
      end
    end
    if #taken > 0 then return reply end
    redis.call('HDEL', KEYS[2], node)
  end
end
return reply
`

/** KEYS: lock. ARGV: holder, how long. */
const LOCK = `
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return {'ok', 'mine'} end
return {'ok', 'taken'}
`

/** KEYS: lock. ARGV: holder. */
const UNLOCK = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'ok'}
`

export const SCRIPTS = {
  join: script('join', JOIN),
  append: script('append', APPEND),
  find: script('find', FIND),
  head: script('head', HEAD),
  read: script('read', READ),
  admit: script('admit', ADMIT),
  release: script('release', RELEASE),
  tend: script('tend', TEND),
  sweep: script('sweep', SWEEP),
  lock: script('lock', LOCK),
  unlock: script('unlock', UNLOCK),
}

function script(name: string, lua: string): Script {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') }
}
