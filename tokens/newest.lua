-- raise_newest notes the creation of the newest session of all users, for the end of all. Clocks of gateways differ, so it may
-- be later than that of the gateway that ends them. It expires so long after the session of that time began.
local function raise_newest(key, created, life)
  local newest = redis.call('GET', key)
  if not newest or tonumber(newest) < tonumber(created) then redis.call('SET', key, created, 'PX', life) end
end
