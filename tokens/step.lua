-- One step of a refresh session, by itself: the other keys may be on other servers of a cluster.
-- KEYS[1] the session's hash   ARGV as rotate.lua has them
-- returns {outcome, current generation, owed, the hash as it was}
return {rotate(KEYS[1], ARGV)}
