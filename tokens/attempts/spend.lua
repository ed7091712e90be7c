-- Takes from a counter, gives back to it, or reads it, as Limit.spend does. Times are in microseconds.
-- KEYS[1] the counter   ARGV 1 now  2 interval  3 bucket size  4 cost  5 leeway  6 "1": take what is left if the cost exceeds it
local now, interval, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local top = now + interval * tonumber(ARGV[3])
local brim = top + tonumber(ARGV[5])
local full = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or now), now), brim)
local after, ok = full, 1
if cost < 0 then
  after = math.max(now, full + cost * interval)
elseif full + math.max(cost, 1) * interval > brim then
  ok = 0
  if cost > 0 and ARGV[6] == '1' then
    after = math.max(full, top)
  end
else
  after = full + cost * interval
end
if after ~= full then
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.max(1, math.ceil((after - now) / 1000)))
end
return {ok, string.format('%.0f', after)}
