-- The PHP plugin has taken a session over: what is left of it waits for a client that lost the answer.
-- KEYS[1] the session's hash   ARGV 1 the generation that was judged  2 now (ms)  3 grace (ms)
-- returns {what it is now: handed_back | ended | moved, what the revocation log must be told: see rotate.lua}
local f = redis.call('HMGET', KEYS[1], 'created', 'ended', 'gen', 'handed', 'owe')
if not f[1] or f[2] then return {'ended', ''} end
-- A gateway that hands nothing back rotated it meanwhile: it goes on.
if f[3] ~= ARGV[1] then return {'moved', ''} end
if f[4] then return {'handed_back', f[5] or ''} end
local owed = string.format('%.0f', tonumber(ARGV[2]) + tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'handed', ARGV[2], 'owe', owed)
return {'handed_back', owed}
