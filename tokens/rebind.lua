-- Binds a live session to another fingerprint of its account.
-- KEYS[1] the session's hash   ARGV 1 the fingerprint that it must have   2 the one that it gets
-- returns {'bound' | 'unknown' | 'other' | 'ended', cause of the end, when (ms)}
local f = redis.call('HMGET', KEYS[1], 'uid', 'ended', 'cause', 'fp')
if not f[1] then return {'unknown', '', '0'} end
if f[2] then return {'ended', f[3] or '', f[2]} end
if f[4] == ARGV[2] then return {'bound', '', '0'} end -- a repeated command
if f[4] ~= ARGV[1] then return {'other', '', '0'} end
redis.call('HSET', KEYS[1], 'fp', ARGV[2])
return {'bound', '', '0'}
