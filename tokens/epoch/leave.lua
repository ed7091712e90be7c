-- Removes the mark of a process that ends in order: what a store saves afterwards has everything that it wrote.
-- KEYS[1] the marker   ARGV 1 process
local marks = {}
for mark in string.gmatch(redis.call('HGET', KEYS[1], 'marks') or '', '%S+') do
  if string.match(mark, '^(.*):') ~= ARGV[1] then marks[#marks + 1] = mark end
end
if redis.call('HGET', KEYS[1], 'id') then redis.call('HSET', KEYS[1], 'marks', table.concat(marks, ' ')) end
return 0
