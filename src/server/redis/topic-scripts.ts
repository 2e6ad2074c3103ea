import { keepRecords, MAX_COUNTED_TOPICS, type DedupeLimits } from '../log/publish-record.js'
import type { HistoryLimits } from '../log/topic-history.js'
import { ATTEND, attending } from './attendance-scripts.js'
import { RECORD } from './record-script.js'
import { common, script, type Script } from './script.js'
import { TOPIC } from './topic-head-script.js'

/** Limits that are written into the scripts: they are the same for every call to a log. */
export interface TopicScriptLimits {
  readonly history: HistoryLimits
  readonly dedupe: DedupeLimits
  readonly maxTopics: number
  /** What the feed keeps. */
  readonly feed: { readonly messages: number; readonly bytes: number }
}

export interface TopicScripts {
  readonly append: Script
  readonly attend: Script
  readonly attending: Script
  readonly find: Script
  readonly follow: Script
  readonly head: Script
  readonly read: Script
}

/** ARGV[4] is the topic's name in all scripts that need its state, which saves one question to Redis. */
const COMMON_OF_TOPIC = common(`'t:' .. ARGV[4]`)

/**
 * KEYS: root, feed, topics, record, session, the topic's stream. ARGV 4…: topic, data, id, when and where (see
 * `placeText`), answer, stamp. Answers `repeat` or `new`, and the answer. For a new one: the count of appends, its
 * epoch, its offset, and its place in the feed. The last value is the time.
 */
const append = ({ first, permits, last } = { first: '', permits: '', last: '' }) => `${COMMON_OF_TOPIC}${TOPIC}${RECORD}
local feed, topics, record, session, key = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local age, flight, n, written = string.match(ARGV[7], '^(%d*):(%d+):(%d*):?(%d*)$')
local data, id, _, answer, stamp = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]
${first}local topic = standing()
local offset = num(topic.offset + 1)
local length = redis.pcall('XLEN', key)
local foreign = type(length) == 'table' and string.find(length.err, 'WRONGTYPE', 1, true)
if type(length) == 'table' and not foreign then return redis.error_reply(length.err) end
local used = (foreign or length == 0 or now >= topic.fresh) and redis.call('ZCARD', topics)
local trims = foreign or length >= maxMessages or topic.bytes + #data > maxBytes or now - topic.at >= maxAge
local no = barred('XADD', key, 'HSET', root) or foreign and barred('UNLINK', key) or trims and barred('XTRIM', key, 'XRANGE', key)
  or used and barred('PEXPIRE', key, 'ZADD', topics, 'ZRANGE', topics, 'ZREM', topics, 'HDEL', root, 'HINCRBY', root, 'UNLINK', key)${permits}
if no then return no end
if id ~= '' then
  local known, no = find(record, session, id, name, age, flight, n, written)
  if no then return no end
  if known then return {'repeat', known, num(now)} end
end
local function keep() return redis.pcall('XADD', key, offset .. '-0', 'd', data, 'a', num(now)) end
local kept = not foreign and keep()
if foreign or type(kept) == 'table' and kept.err then
  if not foreign and not string.find(kept.err, 'equal or smaller', 1, true) then return redis.error_reply(kept.err) end
  no = barred('UNLINK', key)
  if no then return no end
  -- A key that is not ours is in the way: the kept messages of this topic are lost, its offsets are not.
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
seq = seq + 1
feedBytes = feedBytes + #data
if feedBytes > maxFeedBytes then
  redis.pcall('XTRIM', feed, 'MAXLEN', math.floor((tonumber(redis.pcall('XLEN', feed)) or 0) / 2))
  feedBytes = math.floor(feedBytes / 2)
end
local renewed = now >= topic.fresh
if renewed then
  redis.call('PEXPIRE', key, num(maxAge + 120000))
  used = (used or redis.call('ZCARD', topics)) + redis.call('ZADD', topics, 'GT', num(now), name)
  -- Far from the bound it does not matter which topic has been quiet for some seconds more.
  topic.fresh = used * 8 < maxTopics and now + 60000 or 0
end
local told = redis.pcall('XADD', feed, 'MAXLEN', '~', feedMessages, '*', num(seq) .. ':' .. offset .. ':' .. named(topic) .. ':' .. stamp .. ':' .. name, data)
-- If the feed cannot be written, its readers find that a count is missing, and read the topics.
if type(told) == 'table' then
  redis.pcall('UNLINK', feed)
  told = '0-0'
end
last = told .. ':' .. stamp
redis.call('HSET', root, 't:' .. name, text(topic), 'tip', tip())
if renewed then room(topics, used, string.sub(key, 1, #key - #name)) end
local ack = 'a' .. offset .. answer
if id ~= '' then add(record, id, name, n, ack) end
${last}return {'new', ack, num(seq), named(topic), offset, last, num(now)}
`

/**
 * KEYS: root, record, session. ARGV 4…: id, topic, when and where (see `placeText`), and the nack to record, or an
 * empty text. Answers the recorded answer, and the time.
 */
const FIND = `${common()}${RECORD}
local age, flight, n, written = string.match(ARGV[6], '^(%d*):(%d+):(%d*):?(%d*)$')
local known, no = find(KEYS[2], KEYS[3], ARGV[4], ARGV[5], age, flight, n, written)
if no then return no end
if not known and ARGV[7] ~= '' then
  known = ARGV[7]
  add(KEYS[2], ARGV[4], ARGV[5], n, known)
end
return {'ok', known or '', num(now)}
`

/**
 * KEYS: root, feed, the topic's stream, topics. ARGV 4…: topic, and '1' if it is followed from now on: then its epoch
 * stays, whatever else is forgotten. Answers its epoch, head and oldest offset, the count of appends, the feed's newest
 * id, and the newest append.
 */
const HEAD = `${COMMON_OF_TOPIC}${TOPIC}
local topic = standing()
if ARGV[5] == '1' then
  local no = barred('ZCARD', KEYS[4], 'ZADD', KEYS[4], 'ZRANGE', KEYS[4], 'ZREM', KEYS[4], 'HSET', root, 'HDEL', root, 'HINCRBY', root, 'UNLINK', KEYS[3])
  if no then return no end
  local used = redis.call('ZCARD', KEYS[4]) + redis.call('ZADD', KEYS[4], 'GT', num(now + FOLLOWED), name)
  store(topic)
  room(KEYS[4], used, string.sub(KEYS[3], 1, #KEYS[3] - #name))
end
if topic.offset > 0 then
  local no = barred('XTRIM', KEYS[3], 'XRANGE', KEYS[3], 'XREVRANGE', KEYS[2], 'HSET', root)
  if no then return no end
  trim(KEYS[3], topic, redis.call('XLEN', KEYS[3]))
  store(topic)
end
local newest = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local from = (newest.err or not newest[1]) and '0-0' or newest[1][1]
return {'ok', named(topic), num(topic.offset), num(topic.offset > 0 and oldest(KEYS[3], topic) or 1), num(seq), from, last}
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

/** KEYS: root, topics. ARGV 4…: topics that are still followed. */
const FOLLOW = `${common()}
local no = barred('ZADD', KEYS[2])
if no then return no end
for at = 4, #ARGV do redis.call('ZADD', KEYS[2], 'XX', 'GT', num(now + 120000), ARGV[at]) end
return {'ok'}
`

export function createTopicScripts({ history, dedupe, maxTopics, feed }: TopicScriptLimits): TopicScripts {
  const limits = `
local maxMessages, maxBytes, maxAge = ${[history.maxMessages, history.maxBytes, history.maxAge].map(literal).join(', ')}
local window, maxIds, maxTopics = ${[dedupe.window, dedupe.maxIds, maxTopics].map(literal).join(', ')}
local keep, maxCounted = ${[keepRecords(dedupe), MAX_COUNTED_TOPICS].map(literal).join(', ')}
local feedMessages, maxFeedBytes = ${[feed.messages, feed.bytes].map(literal).join(', ')}
`
  return {
    append: script('append', limits + append()),
    attend: script('attend', limits + append(ATTEND)),
    attending: script('attending', attending(COMMON_OF_TOPIC + TOPIC)),
    find: script('find', limits + FIND),
    follow: script('follow', FOLLOW),
    head: script('head', limits + HEAD),
    read: script('read', limits + READ),
  }
}

/** Not in the form `1e21`, which Lua would read as another number. */
function literal(limit: number): string {
  return limit.toFixed(0)
}
