-- The revocation log was told what this session owed it. Another rotation may owe something newer by now.
-- KEYS[1] the session's hash   ARGV 1 what was told
if redis.call('HGET', KEYS[1], 'owe') == ARGV[1] then redis.call('HDEL', KEYS[1], 'owe') end
return 0
