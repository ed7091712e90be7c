-- Ends a session: its hash becomes a tombstone, from which no token can be made or checked.
-- KEYS[1] the session's hash   ARGV 1 now (ms)  2 cause  3 how long the tombstone is kept (ms)
-- returns {1 if it was ended by this call, user id, cause of its end}
local f = redis.call('HMGET', KEYS[1], 'uid', 'ended', 'cause')
if not f[1] then return {0, '0', ''} end
if f[2] then return {0, f[1], f[3] or ''} end
redis.call('HDEL', KEYS[1], 'login', 'fp', 'ext', 'salt', 'ip', 'ua', 'recent', 'used', 'seen', 'by')
redis.call('HSET', KEYS[1], 'ended', ARGV[1], 'cause', ARGV[2], 'owe', 'end')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {1, f[1], ARGV[2]}
