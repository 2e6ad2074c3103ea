import { common, script } from './script.js'

/** Reads the salt of all ids; a given one is stored if there is none yet. */
const SALT = `
local salt = redis.call('HGET', root, 'salt')
`

/**
 * What an append does in addition: it changes who is present in the topic, and publishes that change as its data. KEYS
 * 7: the topic's present sessions. ARGV 10…: the salt that the ids were made with, the prefix of all key names, the
 * number of topics that a session may be in, and then for each session its name, its row, and what is told about it if
 * it leaves. The row is empty for a session that leaves, or `-` if it leaves only if it has no leg. Answers `salt` and
 * the salt to use, or `none` or `new`, followed by the sessions that are in too many topics.
 */
export const ATTEND = {
  first: `${SALT}
if salt and salt ~= ARGV[10] then return {'salt', salt} end
local attending, departing, most, set, gone, refused, tells = KEYS[7], ARGV[11] .. 'departing', tonumber(ARGV[12]), {}, {}, {}, {set = {}, gone = {}}
local function here(session)
  local of = ARGV[11] .. 'session:' .. session
  return redis.call('EXISTS', of) == 1 and redis.call('HEXISTS', of, 'gone') == 0
end
-- A topic that the session was in under an epoch that has ended does not count.
local function mayEnter(session)
  local topics, count = ARGV[11] .. 'attends:' .. session, 0
  if redis.call('ZCARD', topics) < most then return true end
  for _, topic in ipairs(redis.call('ZRANGE', topics, 0, -1)) do count = count + redis.call('HEXISTS', ARGV[11] .. 'attending:' .. epoch .. ':' .. topic, session) end
  return count < most
end
for at = 13, #ARGV, 3 do
  local session, row, listed = ARGV[at], ARGV[at + 1], redis.call('HEXISTS', attending, ARGV[at]) == 1
  if row == '' or row == '-' then
    if listed and not (row == '-' and here(session)) then
      gone[#gone + 1] = session
      tells.gone[#gone] = ARGV[at + 2]
    end
  elseif listed or mayEnter(session) then
    set[#set + 1] = session
    tells.set[#set] = row
  else refused[#refused + 1] = session end
end
if #set + #gone == 0 then return {'none', unpack(refused)} end
data = '{"set":[' .. table.concat(tells.set, ',') .. '],"gone":[' .. table.concat(tells.gone, ',') .. ']}'
`,
  permits: ` or barred('HDEL', attending, 'HSET', attending, 'ZADD', departing, 'ZREM', departing, 'EXISTS', ARGV[11] .. 'session:',
  'HEXISTS', ARGV[11] .. 'session:', 'ZADD', ARGV[11] .. 'attends:', 'ZREM', ARGV[11] .. 'attends:', 'SADD', ARGV[11] .. 'attended:', 'SREM', ARGV[11] .. 'attended:')`,
  last: `redis.call('HSET', root, 'salt', ARGV[10])
for at, session in ipairs(set) do
  redis.call('HSET', attending, session, tells.set[at])
  redis.call('ZADD', ARGV[11] .. 'attends:' .. session, 0, name)
  -- A request of a session is still carried out when its leg is already gone.
  if not here(session) then redis.call('ZADD', departing, num(now), session) end
end
for _, session in ipairs(gone) do
  redis.call('HDEL', attending, session)
  redis.call('ZREM', ARGV[11] .. 'attends:' .. session, name)
  if redis.call('EXISTS', ARGV[11] .. 'attends:' .. session) == 0 then redis.call('ZREM', departing, session) end
end
-- A topic may be forgotten while sessions are present in it. This set says which lists to delete with the epoch.
redis.call(redis.call('EXISTS', attending) == 1 and 'SADD' or 'SREM', ARGV[11] .. 'attended:' .. epoch, name)
do return {'new', num(seq), last, unpack(refused)} end
`,
}

/**
 * KEYS: root, the topic's present sessions. ARGV 4…: topic, a salt to store if there is none. Answers the salt, the
 * topic's position, and for each session its name and row.
 */
export const attending = (topic: string) => `${topic}${SALT}
local no = barred('HSETNX', root, 'HGETALL', KEYS[2])
if no then return no end
redis.call('HSETNX', root, 'salt', ARGV[5])
local topic = standing()
local reply = {'ok', salt or ARGV[5], named(topic), num(topic.offset)}
for _, field in ipairs(redis.call('HGETALL', KEYS[2])) do reply[#reply + 1] = field end
return reply
`

/**
 * KEYS: root, departing. ARGV 4…: the milliseconds that a session must have been gone, the milliseconds that the caller
 * has to remove it, the prefix of all key names, the most sessions, and one session's name, or an empty text. Answers
 * for each session and topic the session, the topic, and the session's row there.
 */
const DEPARTED = `${common()}
local departing, tag = KEYS[2], ARGV[6]
local no = barred('ZRANGE', departing, 'ZADD', departing, 'ZREM', departing, 'EXISTS', tag .. 'session:', 'HEXISTS', tag .. 'session:',
  'ZRANGE', tag .. 'attends:', 'ZREM', tag .. 'attends:', 'HGET', tag .. 'attending:')
if no then return no end
local names = ARGV[8] ~= '' and {ARGV[8]} or redis.call('ZRANGE', departing, '-inf', num(now - tonumber(ARGV[4])), 'BYSCORE', 'LIMIT', 0, ARGV[7])
local reply = {'ok'}
for _, name in ipairs(names) do
  local session = tag .. 'session:' .. name
  local here = redis.call('EXISTS', session) == 1 and redis.call('HEXISTS', session, 'gone') == 0
  local topics = here and {} or redis.call('ZRANGE', tag .. 'attends:' .. name, 0, -1)
  local found = #reply
  for _, topic in ipairs(topics) do
    local row = redis.call('HGET', tag .. 'attending:' .. epoch .. ':' .. topic, name)
    if row then for _, field in ipairs({name, topic, row}) do reply[#reply + 1] = field end
    else redis.call('ZREM', tag .. 'attends:' .. name, topic) end
  end
  if #reply > found then redis.call('ZADD', departing, num(now - tonumber(ARGV[4]) + tonumber(ARGV[5])), name)
  else redis.call('ZREM', departing, name) end
end
return reply
`

export const ATTENDANCE_SCRIPTS = { departed: script('departed', DEPARTED) }
