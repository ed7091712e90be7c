-- Clears what the revocation log missed of a session, after it was written. A later rotation may owe another entry by now.
-- KEYS[1] the session's hash   ARGV 1 what was written
if redis.call('HGET', KEYS[1], 'owe') == ARGV[1] then redis.call('HDEL', KEYS[1], 'owe') end
return 0
