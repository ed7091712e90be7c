-- Ends a session; finish.lua stands before this text.
-- KEYS[1] the session's hash   ARGV 1 now (ms)  2 cause  3 how long the tombstone is kept (ms)
-- returns {1 if it was ended by this call, user id, cause of its end}
local f = redis.call('HMGET', KEYS[1], 'uid', 'ended', 'cause')
if not f[1] then return {0, '0', ''} end
if f[2] then return {0, f[1], f[3] or ''} end
finish(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return {1, f[1], ARGV[2]}
