-- One step of a refresh session, decided and written at once. One key only, so that it runs on Redis Cluster.
-- The token's MAC was checked before; here only its generation counts.
--
-- KEYS[1] the session's hash
-- ARGV    1 presented generation   2 now (ms)           3 grace (ms)       4 until_used | always | never
--         5 idle limit (ms)        6 absolute (ms, 0 = none)               7 address          8 device
--         9 how long the hash outlives its limit (ms)   10 how long a tombstone is kept (ms)
--         11 'peek': decide, and write nothing
--         12 the client, as a digest of network and User-Agent ('' = unknown; 'own' = the one of the last refresh)
--         13 converge | refuse | end: what the session's own client gets for an older token
--         14 how long after its retirement that holds (ms)
-- returns {outcome, current generation, owed}
--
-- owed is what the revocation log, which is another key, does not have yet: "T" = generations before the current
-- one die at T (ms), "end" = the session is over. It stays in the hash until the log has it (settle.lua), so a
-- request that is repeated after a crash in between writes it.
local presented, now, grace = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local policy, idle, absolute, peek = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[11] == 'peek'
local client, of_client, window = ARGV[12], ARGV[13], tonumber(ARGV[14])

local f = redis.call('HMGET', KEYS[1], 'created', 'ended', 'active', 'gen', 'used', 'recent', 'owe', 'by')
if not f[1] then return {'unknown', '0', ''} end
if f[2] then return {'ended', f[4] or '0', f[7] or ''} end

local created, active, gen = tonumber(f[1]), tonumber(f[3]), tonumber(f[4])
local used, owed, last_client = tonumber(f[5] or '0'), f[7] or '', f[8] or ''
local function text(n) return string.format('%.0f', n) end

if now >= active + idle or (absolute > 0 and now >= created + absolute) then
  return {'expired', text(gen), ''}
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
local own_client = lately and last_client ~= '' and (client == last_client or client == 'own')

local current = gen
local function retire(g)
  recent[#recent + 1] = text(g) .. ':' .. text(now)
  if #recent > 64 then table.remove(recent, 1) end
  gen, owed = g + 1, text(now + grace)
end

local outcome
if presented == gen then
  -- A client that rotates more often than the list is long gets the current token again: cutting the list
  -- instead would make one of its parallel requests look like a theft.
  outcome = 'held'
  if fresh < 32 then
    outcome = 'rotated'
    retire(gen)
  end
elseif still_fresh then
  outcome = 'concurrent'
elseif presented == gen - 1 and (policy == 'always' or policy == 'until_used' and used < gen) then
  outcome = 'lost_answer'
elseif own_client and of_client == 'converge' then
  outcome = 'same_client'
elseif own_client and of_client == 'refuse' then
  outcome = 'superseded'
elseif presented == gen + 1 then
  -- Redis lost its last write. Until this moment it would have taken the parent as current, so counting the
  -- parent as retired only now grants nothing new.
  outcome = 'ahead'
  retire(gen)
  retire(gen)
else
  outcome = 'reuse'
end

if peek or outcome == 'superseded' then return {outcome, text(current), owed} end

if outcome == 'reuse' then
  redis.call('HDEL', KEYS[1], 'login', 'fp', 'ext', 'salt', 'ip', 'ua', 'recent', 'used', 'seen', 'by')
  redis.call('HSET', KEYS[1], 'ended', text(now), 'cause', 'reuse', 'owe', 'end')
  redis.call('PEXPIRE', KEYS[1], ARGV[10])
  return {'reuse', text(gen), 'end'}
end

redis.call('HSET', KEYS[1], 'gen', text(gen), 'active', text(now), 'recent', table.concat(recent, ' '),
  'ip', ARGV[7], 'ua', ARGV[8], 'by', client)
if owed ~= '' then redis.call('HSET', KEYS[1], 'owe', owed) end

local left = idle
if absolute > 0 and created + absolute - now < left then left = created + absolute - now end
redis.call('PEXPIRE', KEYS[1], text(left + tonumber(ARGV[9])))
return {outcome, text(gen), owed}
