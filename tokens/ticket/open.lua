-- Opens a ticket of a session, unless the session has too many that were neither spent nor have expired.
--
-- KEYS[1] is the sorted set of the session's open tickets, by when they expire.
-- ARGV: name of the ticket, when it expires, now (Unix milliseconds), the most open tickets.
-- Answers 0, or when the first of the open tickets expires.
local now, open, first = tonumber(ARGV[3]), 0, 0
local all = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #all, 2 do
	local ends = tonumber(all[i + 1])
	if ends <= now then
		redis.call('ZREM', KEYS[1], all[i])
	else
		open = open + 1
		if first == 0 then
			first = ends
		end
	end
end
if open >= tonumber(ARGV[4]) then
	return first
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) - now)
return 0
