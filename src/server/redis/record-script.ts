/**
 * The rules of `createPublishRecord`, in Redis: one hash for each session and epoch.
 *
 * An answer is a text: `a` and the offset, perhaps followed by `:` and data; `n` and JSON; `o` or `u`. The hash has
 * these fields: `b`, since when it is complete (-1: always); `f`, up to when answers were forgotten; `c`, the count of
 * answers, which determines their slots; `t`, the count of topics; `g`, up to when topics were dropped; `k`, until when
 * its expiry need not be renewed; `i:` and an id, when it was answered, and the answer; `s:` and a slot, the same time,
 * and the id; `n:` and a topic, its newest number, and when that was decided.
 */
export const RECORD = `
local said, born, newest
-- Checks only those permissions that this particular record can need.
local function barredRecord(record, foreign)
  return barred('HSET', record)
    or foreign and barred('UNLINK', record)
    or tonumber(said[3] or '0') >= maxIds and barred('HGET', record, 'HDEL', record)
    or now >= tonumber(said[6] or '0') and barred('PEXPIRE', record)
    or tonumber(said[5] or '0') >= maxCounted and barred('HGETALL', record, 'HDEL', record)
end
local function dropTopics(record)
  local all, counted = redis.call('HGETALL', record), {}
  for at = 1, #all, 2 do
    if string.sub(all[at], 1, 2) == 'n:' then counted[#counted + 1] = {all[at], tonumber(string.match(all[at + 1], '%d+$'))} end
  end
  table.sort(counted, function(a, b) return a[2] < b[2] end)
  for at = 1, math.floor(#counted / 2) do redis.call('HDEL', record, counted[at][1]) end
  redis.call('HSET', record, 't', num(math.ceil(#counted / 2)), 'g', num(counted[math.floor(#counted / 2)][2]))
end
local function add(record, id, place, n, answer)
  local count = tonumber(said[3] or '0')
  local slot = 's:' .. num(count % maxIds)
  local fields = {'b', num(born), 'c', num(count + 1), slot, num(now) .. ':' .. id, 'i:' .. id, num(now) .. ':' .. answer}
  local function set(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  local old = count >= maxIds and redis.call('HGET', record, slot)
  if old then
    local at, former = string.match(old, '^(%d+):(.*)$')
    if former ~= id and string.match(redis.call('HGET', record, 'i:' .. former) or '', '^%d+') == at then redis.call('HDEL', record, 'i:' .. former) end
    set('f', num(math.max(tonumber(at), tonumber(said[2] or '-1'))))
  end
  local topics = tonumber(said[5] or '0')
  if n ~= '' then
    set('n:' .. place, (newest and tonumber(n) <= tonumber(newest) and newest or n) .. ':' .. num(now))
    if not newest then
      topics = topics + 1
      set('t', num(topics))
    end
  end
  local renew = now >= tonumber(said[6] or '0')
  if renew then set('k', num(now + 60000)) end
  redis.call('HSET', record, unpack(fields))
  if renew then redis.call('PEXPIRE', record, num(keep + 120000)) end
  if topics > maxCounted then dropTopics(record) end
end
local function find(record, session, id, place, age, flight, n, written)
  said = redis.pcall('HMGET', record, 'b', 'f', 'c', 'g', 't', 'k', 'i:' .. id, 'n:' .. place)
  local foreign = said.err
  if foreign then said = {} end
  local no = barredRecord(record, foreign)
  if no then return nil, no end
  if foreign then
    -- A key that is not ours is in the way: what the record knew is lost.
    redis.call('UNLINK', record)
    said = {num(now)}
  end
  -- A record that is missing was never made, or was last used so long ago that it has expired.
  born = tonumber(said[1]) or redis.call('HGET', session, 'under') == epoch .. ':' .. num(begun) and -1 or math.max(begun, now - keep)
  -- After a leap of the clock, recorded times seem older than they are, and publishes sent before them seem to come
  -- later.
  local function upTo(moment) return moment and math.max(tonumber(moment), begun) or -1 end
  local forgotten = upTo(said[2])
  newest = said[8] and string.match(said[8], '^%d+')
  -- The publish was first sent at most this long ago, whatever happened to the clock.
  local waited = (tonumber(age) or 0) + tonumber(flight)
  if said[7] then
    local at, known = string.match(said[7], '^(%d+):(.*)$')
    if waited <= window or tonumber(at) >= now - window then return known end
  end
  -- The publish was first sent at this time or later. The time that it waited in this process has to count: otherwise a
  -- publish that was applied, and whose answer was forgotten, would be answered as never applied. If the node does not
  -- know the scripts' time yet, it vouches for nothing that may have been forgotten.
  local sent = math.min(now, tonumber(written) or now) - waited
  local remembered = sent > born and sent > now - window and (forgotten < 0 or written ~= '' and sent > forgotten)
  local answer
  if age ~= '' and tonumber(age) > window then answer = 'u'
  elseif n == '' then answer = age ~= '' and not remembered and 'u'
  elseif newest and tonumber(n) <= tonumber(newest) then answer = remembered and 'o' or 'u'
  elseif sent <= born or not newest and sent <= upTo(said[4]) then answer = 'u' end
  if answer then add(record, id, place, n, answer) end
  return answer
end
`
