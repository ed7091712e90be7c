-- Notes what Run learned of a session: that an access token of a generation was used, and when; that the revocation log has
-- what it owed; the proofs of its next refresh tokens. Never brings a session back to life.
-- KEYS[1] the session's hash   ARGV 1 generation  2 when (ms)  3 what the log has by now ('' = nothing)  4 proofs ('' = none)
local f = redis.call('HMGET', KEYS[1], 'created', 'ended', 'used', 'seen', 'owe')
if ARGV[3] ~= '' and f[5] == ARGV[3] then redis.call('HDEL', KEYS[1], 'owe') end
if not f[1] or f[2] then return 0 end
if tonumber(f[3] or '0') < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'used', ARGV[1]) end
if tonumber(f[4] or '0') < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'seen', ARGV[2]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'p', ARGV[4]) end
return 1
