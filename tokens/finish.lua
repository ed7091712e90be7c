-- finish makes a session's hash a tombstone, from which no token can be made or checked. The revocation log is owed the end.
-- key: the hash   now: Unix ms   cause: why   keep: how long the tombstone is kept (ms)
local function finish(key, now, cause, keep)
  redis.call('HDEL', key, 'login', 'fp', 'ext', 'salt', 'ip', 'ua', 'recent', 'used', 'seen', 'by', 'p')
  redis.call('HSET', key, 'ended', now, 'cause', cause, 'owe', 'end')
  redis.call('PEXPIRE', key, keep)
end
