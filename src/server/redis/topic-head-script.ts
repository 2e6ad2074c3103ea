/**
 * The state of a topic: the count of forgotten topics when it was created, its head, the bytes kept, the time of the
 * oldest entry, and until when it need not be marked as used again.
 */
export const TOPIC = `
local name = ARGV[4]
local function standing()
  if not state[6] then return {made = made, offset = 0, bytes = 0, at = 0, fresh = 0} end
  local a, b, c, d, e = string.match(state[6], '^(%d+):(%d+):(%d+):(%d+):(%d+)$')
  return {made = tonumber(a), offset = tonumber(b), bytes = tonumber(c), at = tonumber(d), fresh = tonumber(e)}
end
local function text(topic)
  return num(topic.made) .. ':' .. num(topic.offset) .. ':' .. num(topic.bytes) .. ':' .. num(topic.at) .. ':' .. num(topic.fresh)
end
local function store(topic)
  local said = text(topic)
  if said ~= state[6] then redis.call('HSET', root, 't:' .. name, said) end
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
-- A topic that is followed is marked for two minutes; until then it does not count as quiet.
local FOLLOWED = 120000
-- If there are too many topics, the longest quiet one is forgotten; never one that is followed.
local function room(topics, used, prefix)
  if used <= maxTopics then return end
  local quietest = redis.call('ZRANGE', topics, 0, 0, 'WITHSCORES')
  if tonumber(quietest[2]) > now or quietest[1] == name then return end
  redis.call('ZREM', topics, quietest[1])
  redis.call('HDEL', root, 't:' .. quietest[1])
  redis.call('HINCRBY', root, 'made', 1)
  redis.call('UNLINK', prefix .. quietest[1])
end
local function oldest(key, topic)
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  return first and tonumber(string.match(first[1], '^%d+')) or topic.offset + 1
end
`
