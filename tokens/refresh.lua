-- A whole refresh on one server: the rate limit, the step, the revocation log, the cutoffs and the index of the user. The
-- function spend of package attempts stands before this text if a limit is counted.
-- KEYS    1 the session's hash  2 the revocation log  3 the cutoff of all  4 the lifetimes  5 the counter, or none
-- ARGV    1–16 as rotate.lua has them  17 session id  18 prefix of the cutoffs of users  19 prefix of the indexes
--         20 how long an index lives (ms)  21 the lifetime to be noted ('' = none)  22 and behind it: what spend takes
-- returns {outcome, current generation, what the log received, the hash as it was, 1 if a cutoff covers the session,
--         the answer of spend}, or {'limited', '', '', {}, 0, the answer of spend}: then nothing else was done
--
-- Which user's keys are touched is in the hash, so they are not among KEYS: only one server that has all keys allows that.
local spent = {}
if KEYS[5] then
  local of = {}
  for i = 22, #ARGV do of[#of + 1] = ARGV[i] end
  spent = spend(KEYS[5], of)
  if spent[1] == 0 then return {'limited', '', '', {}, 0, spent} end
end

local outcome, gen, owed, f = rotate(KEYS[1], ARGV)
if outcome == 'ended' and owed ~= '' then
  redis.call('XADD', KEYS[2], '*', 'kind', 'session', 'at', f[12], 'sid', ARGV[17])
elseif owed == 'end' then
  redis.call('XADD', KEYS[2], '*', 'kind', 'session', 'at', ARGV[2], 'sid', ARGV[17])
elseif owed ~= '' and outcome ~= 'superseded' then
  redis.call('XADD', KEYS[2], '*', 'kind', 'generations', 'at', owed, 'sid', ARGV[17], 'below', gen)
end
if owed ~= '' and outcome ~= 'superseded' then redis.call('HDEL', KEYS[1], 'owe') end
if f[12] or outcome == 'unknown' or outcome == 'unproven' or outcome == 'expired' or outcome == 'superseded' or outcome == 'reuse' then
  return {outcome, gen, owed, f, 0, spent}
end

local cut = redis.call('HMGET', ARGV[18] .. f[1], '*', 'f:' .. (f[3] or ''))
local latest = math.max(tonumber(redis.call('GET', KEYS[3]) or '0'), tonumber(cut[1] or '0'), tonumber(cut[2] or '0'))
local covered = 0
if tonumber(f[6]) <= latest then covered = 1 end
redis.call('ZADD', ARGV[19] .. f[1], f[6], ARGV[17])
redis.call('PEXPIRE', ARGV[19] .. f[1], ARGV[20])
if ARGV[21] ~= '' then redis.call('ZADD', KEYS[4], ARGV[2], ARGV[21]) end
return {outcome, gen, owed, f, covered, spent}
