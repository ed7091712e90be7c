-- One step of a refresh session, decided and written at once. One key only, so that it runs on Redis Cluster.
-- The token's MAC was checked before; here only its generation counts.
--
-- KEYS[1] the session's hash
-- ARGV    1 presented generation   2 now (ms)           3 grace (ms)       4 until_used | always | never
--         5 idle limit (ms)        6 absolute (ms, 0 = none)               7 address          8 device
--         9 how long the hash outlives its limit (ms)   10 how long a tombstone is kept (ms)
--         11 'look': judge, but retire nothing: WordPress is asked first (handback.go)
--         12 who presents it, as a digest of network and User-Agent ('' = cannot be told)
--         13 converge | refuse | end: what the session's own client gets for an older token
--         14 how long after its retirement that holds (ms)
-- returns {verdict, current generation, owed, since when the session is handed back (ms, 0 = it is not)}
--
-- owed is what the revocation log, which is another key, must still be told: "T" = generations before the current
-- one die at T (ms), "end" = the session is over. It stays in the hash until the log was told (settle.lua), so a
-- request that is made again after a crash in between tells it again.
local presented, now, grace = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local policy, idle, absolute, look = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[11] == 'look'
local client, of_client, window = ARGV[12], ARGV[13], tonumber(ARGV[14])

local f = redis.call('HMGET', KEYS[1], 'created', 'ended', 'active', 'gen', 'used', 'recent', 'owe', 'handed', 'by')
if not f[1] then return {'unknown', '0', '', '0'} end
if f[2] then return {'ended', f[4] or '0', f[7] or '', f[8] or '0'} end

local created, active, gen = tonumber(f[1]), tonumber(f[3]), tonumber(f[4])
local used, owed, handed = tonumber(f[5] or '0'), f[7] or '', tonumber(f[8] or '0')
local function text(n) return string.format('%.0f', n) end

if now >= active + idle or (absolute > 0 and now >= created + absolute) then
  return {'expired', text(gen), '', '0'}
end

-- recent: "generation:retired-at" of the generations whose retirement still matters, oldest first. Age counts, not
-- ancestry. Less than the grace ago: any client gets the current token; less than the window ago: the session's own.
local recent, fresh, still_fresh, lately = {}, 0, false, false
for g, at in string.gmatch(f[6] or '', '(%d+):(%d+)') do
  local age, is = now - tonumber(at), tonumber(g) == presented
  if age < math.max(grace, window) then recent[#recent + 1] = g .. ':' .. at end
  if age < grace then
    fresh = fresh + 1
    still_fresh = still_fresh or is
  end
  lately = lately or is and age < window
end
-- A browser app keeps its tokens in each tab: a tab in the background presents the token that another tab spent
-- long ago. It comes from the same network and User-Agent as the session's last refresh; a thief elsewhere does not.
local own_client = lately and handed == 0 and not look and client ~= '' and client == f[9]

-- What the client was given for the current token of a session that was handed back is the PHP plugin's: it counts as
-- the next generation, and the current token as its spent parent.
local late = handed > 0 and now - handed >= grace
local function parent_is_good(successor)
  return policy == 'always' or (policy == 'until_used' and used < successor)
end

local verdict
local current = gen
local function retire(g)
  recent[#recent + 1] = text(g) .. ':' .. text(now)
  if #recent > 64 then table.remove(recent, 1) end
  gen, owed = g + 1, text(now + grace)
end

if presented == gen and not (late and not parent_is_good(gen + 1)) then
  -- A client that rotates more often than the list is long is told the current token again: cutting the list
  -- instead would make one of its parallel requests look like a theft.
  if look then
    verdict = handed == 0 and 'held' or late and 'lost_answer' or 'concurrent'
  elseif fresh < 32 then
    verdict = 'rotated'
    retire(gen)
  else
    verdict = 'held'
  end
elseif still_fresh then
  verdict = 'concurrent'
elseif presented == gen - 1 and parent_is_good(gen) then
  verdict = 'lost_answer'
elseif own_client and of_client == 'converge' then
  verdict = 'same_client'
elseif own_client and of_client == 'refuse' then
  return {'superseded', text(gen), owed, '0'}
elseif presented == gen + 1 then
  -- Redis lost its last write. Until this moment it would have taken the parent as current, so counting the
  -- parent as retired only now gives nobody more.
  verdict = 'ahead'
  retire(gen)
  if not look then retire(gen) end
else
  redis.call('HDEL', KEYS[1], 'login', 'fp', 'ext', 'salt', 'ip', 'ua', 'recent', 'used', 'seen', 'by')
  redis.call('HSET', KEYS[1], 'ended', text(now), 'cause', 'reuse', 'owe', 'end')
  redis.call('PEXPIRE', KEYS[1], ARGV[10])
  return {'reuse', text(gen), 'end', text(handed)}
end

-- A session that was handed back goes on here after all. The access tokens of its generation are as good as dead.
if handed > 0 and not look and gen == current then retire(gen) end
if handed > 0 and gen > current then
  redis.call('HDEL', KEYS[1], 'handed')
  handed = 0
end

redis.call('HSET', KEYS[1], 'gen', text(gen), 'active', text(now), 'recent', table.concat(recent, ' '),
  'ip', ARGV[7], 'ua', ARGV[8], 'by', client)
if owed ~= '' then redis.call('HSET', KEYS[1], 'owe', owed) end

local left = idle
if absolute > 0 and created + absolute - now < left then left = created + absolute - now end
redis.call('PEXPIRE', KEYS[1], text(left + tonumber(ARGV[9])))
return {verdict, text(gen), owed, text(handed)}
