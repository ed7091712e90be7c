-- Ends a session; finish.lua stands before this text.
-- KEYS[1] the session's hash   ARGV 1 now (ms)  2 cause  3 how long the tombstone is kept (ms)
--         4 the fingerprint that it must have ('' = any): it may have been bound to another one meanwhile
-- returns {1 if it was ended by this call, -1 if it has another fingerprint, else 0; user id; cause of its end}
local f = redis.call('HMGET', KEYS[1], 'uid', 'ended', 'cause', 'fp')
if not f[1] then return {0, '0', ''} end
if f[2] then return {0, f[1], f[3] or ''} end
if ARGV[4] ~= '' and f[4] ~= ARGV[4] then return {-1, f[1], ''} end
finish(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return {1, f[1], ARGV[2]}
