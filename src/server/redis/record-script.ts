/**
 * The rules of `createPublishRecord`, in Redis: one hash for each session and epoch. An answer is text: `a` and the
 * offset and perhaps `:` and data,
 * `n` and JSON, `o` or `u`. Of the hash, `b` is since when it knows all (-1: always), `f` up to when answers were
 * forgotten, `c` the count of answers and thereby their places, `t` the count of topics, `g` up to when topics were
 * dropped, `k` until when it need not be kept longer. `i:` and an id has when it was answered and what, `s:` and a
 * place the same moment and the id, `n:` and a topic its newest number and when that was decided.
 */
export const RECORD = `
local said, born, newest
-- Of what it may take to record something, what this one takes.
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
    -- Something that is not ours stands in the way: what was known is lost.
    redis.call('UNLINK', record)
    said = {num(now)}
  end
  -- One that is not there was never made, or was last used so long ago that it is not kept any more.
  born = tonumber(said[1]) or redis.call('HGET', session, 'under') == epoch .. ':' .. num(begun) and -1 or math.max(begun, now - keep)
  -- Behind a leap of the clock what is on record seems older than it is, and what was sent before seems to come after it.
  local function upTo(moment) return moment and math.max(tonumber(moment), begun) or -1 end
  local forgotten = upTo(said[2])
  newest = said[8] and string.match(said[8], '^%d+')
  -- At most so long ago it was first sent, whatever became of the clock.
  local waited = (tonumber(age) or 0) + tonumber(flight)
  if said[7] then
    local at, known = string.match(said[7], '^(%d+):(.*)$')
    if waited <= window or tonumber(at) >= now - window then return known end
  end
  -- It was first sent at this moment or later. What it waited for us has to be counted: who forgets it says of one that
  -- was applied, and whose answer was forgotten, that it never will be. Where the node knows no time of ours yet, nothing
  -- is vouched for that may have been forgotten.
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
