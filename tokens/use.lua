-- Notes that an access token of a generation was used, and when. Never brings a session back to life.
-- KEYS[1] the session's hash   ARGV 1 generation  2 when (ms)
local f = redis.call('HMGET', KEYS[1], 'created', 'ended', 'used', 'seen')
if not f[1] or f[2] then return 0 end
if tonumber(f[3] or '0') < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'used', ARGV[1]) end
if tonumber(f[4] or '0') < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'seen', ARGV[2]) end
return 1
