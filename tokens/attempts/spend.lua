-- spend takes from a counter, gives back to it, or reads it, as Limit.spend does. Times are in microseconds. Other scripts
-- count a limit with it besides what they do.
-- key  the counter   a  1 now  2 interval  3 bucket size  4 cost  5 leeway  6 "1": take what is left if the cost exceeds it
-- returns {1 if it was taken, when the counter is full again}
local function spend(key, a)
  local now, interval, cost = tonumber(a[1]), tonumber(a[2]), tonumber(a[4])
  local top = now + interval * tonumber(a[3])
  local brim = top + tonumber(a[5])
  local full = math.min(math.max(tonumber(redis.call('GET', key) or now), now), brim)
  local after, ok = full, 1
  if cost < 0 then
    after = math.max(now, full + cost * interval)
  elseif full + math.max(cost, 1) * interval > brim then
    ok = 0
    if cost > 0 and a[6] == '1' then
      after = math.max(full, top)
    end
  else
    after = full + cost * interval
  end
  if after ~= full then
    redis.call('SET', key, string.format('%.0f', after), 'PX', math.max(1, math.ceil((after - now) / 1000)))
  end
  return {ok, string.format('%.0f', after)}
end
