-- Writes a session's hash and its expiry together, so that a crash leaves no hash without an expiry.
-- KEYS[1] the hash   ARGV 1 how long it lives (ms)  2 and behind it: its fields, names and values in turn
local fields = {}
for i = 2, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
