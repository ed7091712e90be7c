-- Adds a member to a good record, as record.with does. A record is a row of members of 16 characters, the oldest
-- first: 11 of a hash, 5 of the day on which it was last added.
-- KEYS[1] the record   ARGV 1 the hash  2 today  3 the oldest day to keep  4 how many members at most  5 lifetime in ms
local old, kept = redis.call('GET', KEYS[1]) or '', {}
for i = 1, #old - 15, 16 do
  local hash, day = string.sub(old, i, i + 10), string.sub(old, i + 11, i + 15)
  if hash ~= ARGV[1] and day >= ARGV[3] then
    kept[#kept + 1] = hash .. day
  end
end
kept[#kept + 1] = ARGV[1] .. ARGV[2]
local first = math.max(1, #kept - tonumber(ARGV[4]) + 1)
redis.call('SET', KEYS[1], table.concat(kept, '', first), 'PX', ARGV[5])
return 1
