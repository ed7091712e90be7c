-- Marks that a process sees this store, and finds out whether the store lost data since.
-- KEYS[1] the marker, a hash:
--   id, n     which store this is, and how often a loss was found in it
--   from      when it was made in an empty store (ms): no token of the gateways can be older, unless data were lost before
--   lost, why the last loss that no operator confirmed (ms), and how it was found
--   marks     "process:ms" of each process that runs, or "process:-ms" of one that was silent for long: of these the last
--             few, because each beat reads and writes all marks
--   newest    the newest id of the revocation log that a process saw, and keep: how long it is in the log (ms)
-- ARGV 1 process  2 id and 3 n that it saw ('' = it begins)  4 its last mark (ms)  5 a new id  6 how long the marker lives (ms)
--      7 when the server started (ms, 0 = unknown, or its writes survive a start)  8 1 if gateways used this store before
--      9 newest id of the log ('' = empty)  10 how long an entry is in the log (ms)
-- returns {id, n, from, lost, why, now, 'fine' | 'behind' | 'lost' | 'known', why of this loss}
local slack, silent, old, most = 10000, 60000, 604800000, 64
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local function text(n) return string.format('%.0f', n) end
local f = redis.call('HMGET', KEYS[1], 'id', 'n', 'from', 'lost', 'why', 'marks', 'newest', 'keep')
local id, n, from, lost, why = f[1], tonumber(f[2] or '0'), f[3] or '0', f[4] or '0', f[5] or ''

local marks, own, latest = {}, nil, nil
for process, at in string.gmatch(f[6] or '', '(%S+):(%-?%d+)') do
  at = tonumber(at)
  if process == ARGV[1] then
    own = math.abs(at)
  elseif math.abs(at) > now - old then
    if at > 0 then latest = math.max(latest or 0, at) end
    if at > 0 and at < now - silent then at = -at end
    marks[#marks + 1] = process .. ':' .. text(at)
  end
end
local aside = 0
for i = #marks, 1, -1 do -- who beat last stands last
  if string.find(marks[i], ':-', 1, true) then
    aside = aside + 1
    if aside > most then table.remove(marks, i) end
  end
end

-- entry reads an id of the log.
local function entry(of)
  local ms, seq = string.match(of or '', '^(%d+)-(%d+)$')
  return tonumber(ms or '0'), tonumber(seq or '0')
end

local begins, found, because = ARGV[2] == '', 'fine', ''
local function loss(how)
  found, because = 'lost', how
end
if not id then
  if not begins then
    loss('emptied')
  elseif ARGV[8] ~= '1' then -- a store of the last release has no marker, and perhaps an empty log
    from = text(now)
  end
  id = ARGV[5]
elseif begins then
  local seen, seq = entry(f[7])
  local has, has_seq = entry(ARGV[9])
  if latest and tonumber(ARGV[7]) > latest + 2000 then
    loss('restarted')
  elseif seen > now - tonumber(f[8] or '0') and (has < seen or has == seen and has_seq < seq) then
    loss('log_behind')
  end
elseif id ~= ARGV[2] or n > tonumber(ARGV[3]) then
  found = 'known'
elseif not own or own < tonumber(ARGV[4]) - slack then
  loss('older')
elseif own < tonumber(ARGV[4]) then
  found = 'behind'
end
if found == 'lost' then n, lost, why = n + 1, text(now), because end

marks[#marks + 1] = ARGV[1] .. ':' .. text(now)
redis.call('HSET', KEYS[1], 'id', id, 'n', text(n), 'from', from, 'lost', lost, 'why', why, 'marks', table.concat(marks, ' '))
if ARGV[9] ~= '' then redis.call('HSET', KEYS[1], 'newest', ARGV[9], 'keep', ARGV[10]) end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {id, text(n), from, lost, why, text(now), found, because}
