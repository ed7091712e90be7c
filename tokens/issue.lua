-- A whole login on one server: the session, the index of the user, and the end of the oldest sessions beyond the limit.
-- finish.lua and newest.lua stand before this text.
-- KEYS    1 the session's hash  2 the index of the user  3 the revocation log  4 the lifetimes  5 the cutoffs of the user
--         6 the cutoff of all  7 the newest session
-- ARGV    1 now (ms)  2 how long the hash lives (ms)  3 how long the index lives (ms)  4 session id  5 its creation (ms)
--         6 user id  7 sessions per user (-1 = any number)  8 idle limit (ms)  9 absolute (ms, 0 = none)
--         10 how long a tombstone is kept (ms)  11 prefix of sessions  12 the lifetime to be noted ('' = none)
--         13 its fingerprint  14 and behind it: the fields of the session, names and values in turn
-- returns '', and the ids of the sessions that were ended; or the cutoff that covers the session: then it did not begin.
-- The keys of the ended ones are named by the index, so they are not among KEYS.
local now, limit, idle, absolute = tonumber(ARGV[1]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if ARGV[12] ~= '' then redis.call('ZADD', KEYS[4], ARGV[1], ARGV[12]) end

-- A cutoff that this gateway has not read of may be later than its clock.
local all = tonumber(redis.call('GET', KEYS[6]) or '0')
local function cutoff(fingerprint)
  local of = redis.call('HMGET', KEYS[5], '*', 'f:' .. fingerprint)
  return math.max(all, tonumber(of[1] or '0'), tonumber(of[2] or '0'))
end
local cut = cutoff(ARGV[13])
if tonumber(ARGV[5]) <= cut then return {string.format('%.0f', cut)} end

local fields = {}
for i = 14, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
raise_newest(KEYS[7], ARGV[5], ARGV[3])

local alive, ended = {}, {''}
if limit >= 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local f = redis.call('HMGET', ARGV[11] .. id, 'uid', 'created', 'active', 'ended', 'fp')
    if f[1] ~= ARGV[6] or not f[2] or f[4] then
      redis.call('ZREM', KEYS[2], id)
    elseif id ~= ARGV[4] then
      local created = tonumber(f[2])
      if created > cutoff(f[5] or '') and now < tonumber(f[3]) + idle and (absolute == 0 or now < created + absolute) then alive[#alive + 1] = id end
    end
  end
end
-- Without a limit the index may be long, so each login looks at some of it only, at another place than the last one. That
-- removes more than the one session that it adds.
for _, size in ipairs(limit < 0 and {4096, 256, 16, 1} or {}) do
  local some = redis.call('ZRANGE', KEYS[2], now % size, now % size + 7)
  for _, id in ipairs(some) do
    local f = redis.call('HMGET', ARGV[11] .. id, 'uid', 'created', 'ended')
    if f[1] ~= ARGV[6] or not f[2] or f[3] then redis.call('ZREM', KEYS[2], id) end
  end
  if #some > 0 then break end
end
for i = 1, #alive + 1 - limit do
  if limit < 0 then break end
  local id = alive[i]
  finish(ARGV[11] .. id, ARGV[1], 'limit', ARGV[10])
  redis.call('XADD', KEYS[3], '*', 'kind', 'session', 'at', ARGV[1], 'sid', id)
  redis.call('HDEL', ARGV[11] .. id, 'owe')
  redis.call('ZREM', KEYS[2], id)
  ended[#ended + 1] = id
end
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return ended
