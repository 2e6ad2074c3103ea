import type { DedupeLimits } from '../publish-record.js'
import type { HistoryLimits } from '../topic-history.js'
import { common, script, type Script } from './script.js'

/** Written into the scripts: they are the same for all that is asked of a log. */
export interface TopicScriptLimits {
  readonly history: HistoryLimits
  readonly dedupe: DedupeLimits
  readonly maxTopics: number
  /** What the feed keeps. */
  readonly feed: { readonly messages: number; readonly bytes: number }
}

export interface TopicScripts {
  readonly append: Script
  readonly find: Script
  readonly head: Script
  readonly read: Script
}

/** ARGV[4] is the topic's name in all that ask where it stands: one question to Redis the less. */
const COMMON_OF_TOPIC = common(`'t:' .. ARGV[4]`)

/**
 * Where a topic stands: under which count of forgotten topics it was made, its head, the bytes kept, the time of the oldest, and until when it need not
 * be said again that it is in use.
 */
const TOPIC = `
local name = ARGV[4]
local function standing()
  if not state[9] then return {made = tonumber(state[6] or '0'), offset = 0, bytes = 0, at = 0, fresh = 0} end
  local a, b, c, d, e = string.match(state[9], '^(%d+):(%d+):(%d+):(%d+):(%d+)$')
  return {made = tonumber(a), offset = tonumber(b), bytes = tonumber(c), at = tonumber(d), fresh = tonumber(e)}
end
local function text(topic)
  return num(topic.made) .. ':' .. num(topic.offset) .. ':' .. num(topic.bytes) .. ':' .. num(topic.at) .. ':' .. num(topic.fresh)
end
local function store(topic)
  local stands = text(topic)
  if stands ~= state[9] then redis.call('HSET', root, 't:' .. name, stands) end
end
local function named(topic) return epoch .. '.' .. num(topic.made) end
local function field(entry, name)
  for at = 1, #entry[2], 2 do if entry[2][at] == name then return entry[2][at + 1] end end
end
local function trim(key, topic, count)
  if count == 0 then
    topic.bytes = 0
    return
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
end
local function oldest(key, topic)
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  return first and tonumber(string.match(first[1], '^%d+')) or topic.offset + 1
end
`

/**
 * The rules of `createPublishRecord`, in Redis. An answer is text: `a` and the offset and perhaps `:` and data, `n` and JSON, or `u`.
 * What is too old is forgotten some at a time, and not with each that is added: until then it only takes room.
 */
const RECORD = `
local forgotten = tonumber(state[5] or '-1')
-- How many ids are on record; whoever records asks before anything is written.
local recorded
local function barredRecord(ids, times)
  recorded = redis.call('ZCARD', times)
  return barred('HSET', ids, 'ZADD', times, 'ZRANGE', times, 'HDEL', ids, 'ZREM', times, 'HSET', root)
end
local function forget(ids, times)
  local over = recorded - maxIds
  local from = now - window
  local oldest = redis.call('ZRANGE', times, 0, math.max(16, math.min(over, 100)) - 1, 'WITHSCORES')
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
  recorded = recorded - redis.call('ZREM', times, unpack(gone))
end
local function add(ids, times, id, answer)
  redis.call('HSET', ids, id, answer)
  recorded = recorded + redis.call('ZADD', times, num(now), id)
  if recorded % 8 == 0 or recorded > maxIds * 65 / 64 then forget(ids, times) end
end
local function find(ids, times, session, id, age)
  local known = redis.call('HGET', ids, id)
  if known then
    forget(ids, times)
    known = redis.call('HGET', ids, id)
    if known then return known end
  end
  if age == '' then return nil end
  -- It was first sent at this moment or later. Was everything applied since then recorded, and is it remembered still?
  local sent = now - tonumber(age)
  if tonumber(age) <= window and sent > forgotten
    and (sent > tonumber(state[4]) or redis.call('HGET', session, 'under') == epoch) then return nil end
  add(ids, times, id, 'u')
  return 'u'
end
`

/** KEYS: root, feed, topics, ids, times, session, the topic's stream. ARGV 4…: topic, data, id, age, answer. Answers `repeat` or `new`, the answer, and of a new one the count of appends, its epoch and offset. */
const APPEND = `${COMMON_OF_TOPIC}${TOPIC}${RECORD}
local feed, topics, ids, times, session, key = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local data, id, age, answer = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local topic = standing()
local offset = num(topic.offset + 1)
local length = redis.pcall('XLEN', key)
local foreign = type(length) == 'table' and string.find(length.err, 'WRONGTYPE', 1, true)
if type(length) == 'table' and not foreign then return redis.error_reply(length.err) end
local used = (foreign or length == 0 or now >= topic.fresh) and redis.call('ZCARD', topics)
local no = barred('XADD', key, 'XADD', feed, 'HSET', root, 'XTRIM', key, 'XRANGE', key, 'UNLINK', key)
  or used and barred('PEXPIRE', key, 'ZADD', topics, 'ZPOPMIN', topics, 'HDEL', root, 'HINCRBY', root)
  or id ~= '' and barredRecord(ids, times)
if no then return no end
if id ~= '' then
  local known = find(ids, times, session, id, age)
  if known then return {'repeat', known} end
end
local function keep() return redis.pcall('XADD', key, offset .. '-0', 'd', data, 'a', num(now)) end
local kept = not foreign and keep()
if foreign or type(kept) == 'table' and kept.err then
  if not foreign and not string.find(kept.err, 'equal or smaller', 1, true) then return redis.error_reply(kept.err) end
  -- Something that is not ours stands in the way: what was kept of this topic is lost, its numbers are not.
  redis.call('UNLINK', key)
  length = 0
  local again = keep()
  if type(again) == 'table' and again.err then return redis.error_reply(again.err) end
end
local count = length + 1
if count == 1 then
  topic.bytes = 0
  topic.at = now
  topic.fresh = 0
end
topic.offset = topic.offset + 1
topic.bytes = topic.bytes + #data
trim(key, topic, count)
local seq = num(tonumber(state[7] or '0') + 1)
local bytes = tonumber(state[8] or '0') + #data
if bytes > feedBytes then
  redis.pcall('XTRIM', feed, 'MAXLEN', math.floor((tonumber(redis.pcall('XLEN', feed)) or 0) / 2))
  bytes = math.floor(bytes / 2)
end
local quietest
if now >= topic.fresh then
  if maxAge < math.huge then redis.call('PEXPIRE', key, num(maxAge + 120000)) end
  used = (used or redis.call('ZCARD', topics)) + redis.call('ZADD', topics, num(now), name)
  -- Far from the bound nobody asks which one has been quiet for some seconds more.
  topic.fresh = used * 8 < maxTopics and now + 60000 or 0
  if used > maxTopics then quietest = redis.call('ZPOPMIN', topics)[1] end
end
redis.call('HSET', root, 't:' .. name, text(topic), 'at', num(now), 'seq', seq, 'feedBytes', num(bytes))
local told = redis.pcall('XADD', feed, 'MAXLEN', '~', feedMessages, '*', seq .. ':' .. offset .. ':' .. named(topic) .. ':' .. name, data)
-- Where it cannot be told of, whoever follows finds that a count is missing, and reads the topics.
if type(told) == 'table' and told.err then redis.pcall('UNLINK', feed) end
if quietest then
  redis.call('HDEL', root, 't:' .. quietest)
  redis.call('HINCRBY', root, 'made', 1)
  redis.call('UNLINK', string.sub(key, 1, #key - #name) .. quietest)
end
local ack = 'a' .. offset .. answer
if id ~= '' then add(ids, times, id, ack) end
return {'new', ack, seq, named(topic), offset}
`

/** KEYS: root, ids, times, session. ARGV 4…: id, age, and the nack to record, or nothing. */
const FIND = `${common()}${RECORD}
local no = barredRecord(KEYS[2], KEYS[3])
if no then return no end
local known = find(KEYS[2], KEYS[3], KEYS[4], ARGV[4], ARGV[5])
if not known and ARGV[6] ~= '' then
  known = ARGV[6]
  add(KEYS[2], KEYS[3], ARGV[4], known)
end
return {'ok', known or ''}
`

/** KEYS: root, feed, the topic's stream. ARGV 4: topic. Answers its epoch, head and oldest, and where the feed stands. */
const HEAD = `${COMMON_OF_TOPIC}${TOPIC}
local topic = standing()
if topic.offset > 0 then
  local no = barred('XTRIM', KEYS[3], 'XRANGE', KEYS[3], 'XREVRANGE', KEYS[2], 'HSET', root)
  if no then return no end
  trim(KEYS[3], topic, redis.call('XLEN', KEYS[3]))
  store(topic)
end
local last = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local at = (last.err or not last[1]) and '0-0' or last[1][1]
return {'ok', named(topic), num(topic.offset), num(topic.offset > 0 and oldest(KEYS[3], topic) or 1), num(tonumber(state[7] or '0')), at}
`

/** KEYS: root, the topic's stream. ARGV 4…: topic, after, most messages, most bytes. */
const READ = `${COMMON_OF_TOPIC}${TOPIC}
local topic = standing()
local reply = {'ok', named(topic)}
if topic.offset == 0 then return reply end
local no = barred('XTRIM', KEYS[2], 'XRANGE', KEYS[2], 'HSET', root)
if no then return no end
trim(KEYS[2], topic, redis.call('XLEN', KEYS[2]))
store(topic)
local from, messages, bytes = '(' .. ARGV[5] .. '-0', tonumber(ARGV[6]) or math.huge, tonumber(ARGV[7]) or math.huge
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

export function createTopicScripts({ history, dedupe, maxTopics, feed }: TopicScriptLimits): TopicScripts {
  const limits = `
local maxMessages, maxBytes, maxAge = ${[history.maxMessages, history.maxBytes, history.maxAge].map(literal).join(', ')}
local window, maxIds, maxTopics = ${[dedupe.window, dedupe.maxIds, maxTopics].map(literal).join(', ')}
local feedMessages, feedBytes = ${[feed.messages, feed.bytes].map(literal).join(', ')}
`
  return {
    append: script('append', limits + APPEND),
    find: script('find', limits + FIND),
    head: script('head', limits + HEAD),
    read: script('read', limits + READ),
  }
}

function literal(limit: number): string {
  return Number.isFinite(limit) ? Math.floor(limit).toFixed(0) : 'math.huge'
}
