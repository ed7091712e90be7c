-- rotate is one step of a refresh session, decided and written at once. It touches one key only, so that it runs on Redis
-- Cluster. finish.lua stands before this text, and step.lua or refresh.lua behind it.
--
-- key   the session's hash
-- a     1 presented generation   2 now (ms)           3 grace (ms)       4 until_used | always | never
--       5 idle limit (ms)        6 absolute (ms, 0 = none)               7 address          8 device
--       9 how long the hash outlives its limit (ms)   10 how long a tombstone is kept (ms)
--       11 'rotate'; 'peek': decide, and write nothing; 'proven': write only if the proof of the token is here
--       12 the client, as a digest of network and User-Agent ('' = unknown; 'own' = the one of the last refresh)
--       13 converge | refuse | end: what the session's own client gets for an older token
--       14 how long after its retirement that holds (ms)
--       15 the proof of the presented token            16 the proofs to keep ('' = as they are)
-- returns outcome, current generation after the step, owed, and the hash as it was before (fields in the order of HMGET)
--
-- A token has two tags. The outer one was checked before. The inner one needs the salt, which only this hash has: the
-- gateway checks it with the salt of a 'peek' before it rotates, or lets this script compare a proof of it, 24 bits that
-- the gateway computed when it had the salt (p: "first generation:4 characters for each"). So a thief of the server's
-- secret, who makes outer tags, moves no session; the gateway checks the whole tag before it answers.
--
-- owed is what the revocation log, which is another key, does not have yet: "T" = generations before the current
-- one die at T (ms), "end" = the session is over. It stays in the hash until the log has it, so a request that is
-- repeated after a crash in between writes it.
local function rotate(key, a)
  local presented, now, grace = tonumber(a[1]), tonumber(a[2]), tonumber(a[3])
  local policy, idle, absolute, mode = a[4], tonumber(a[5]), tonumber(a[6]), a[11]
  local client, of_client, window = a[12], a[13], tonumber(a[14])

  local f = redis.call('HMGET', key, 'uid', 'login', 'fp', 'ext', 'salt', 'created', 'active', 'seen', 'gen', 'ip', 'ua',
    'ended', 'cause', 'owe', 'used', 'recent', 'by', 'p')
  if not f[1] or not f[6] then return 'unknown', '0', '', f end
  if f[12] then return 'ended', f[9] or '0', f[14] or '', f end

  local created, active, gen = tonumber(f[6]), tonumber(f[7]), tonumber(f[9])
  local owed, used, last_client = f[14] or '', tonumber(f[15] or '0'), f[17] or ''
  local function text(n) return string.format('%.0f', n) end

  if mode == 'proven' then
    local first, proofs = string.match(f[18] or '', '^(%d+):(.*)$')
    local at = first and presented - tonumber(first) or -1
    if at < 0 or string.sub(proofs, 4 * at + 1, 4 * at + 4) ~= a[15] then return 'unproven', text(gen), '', f end
  end

  if now >= active + idle or (absolute > 0 and now >= created + absolute) then
    return 'expired', text(gen), '', f
  end

  -- recent: "generation:retired-at" of the generations whose retirement still matters, oldest first. Age counts, not
  -- ancestry. Less than the grace ago: any client gets the current token; less than the window ago: the session's own.
  local recent, fresh, still_fresh, lately = {}, 0, false, false
  for g, at in string.gmatch(f[16] or '', '(%d+):(%d+)') do
    local age, is = now - tonumber(at), tonumber(g) == presented
    if age < math.max(grace, window) then recent[#recent + 1] = g .. ':' .. at end
    if age < grace then
      fresh = fresh + 1
      still_fresh = still_fresh or is
    end
    lately = lately or is and age < window
  end
  -- A browser app keeps its tokens in each tab: a tab in the background presents the token that another tab spent
  -- long ago. It comes from the same network and User-Agent as the session's last refresh; a thief elsewhere does not.
  local own_client = lately and last_client ~= '' and (client == last_client or client == 'own')

  local function retire(g)
    recent[#recent + 1] = text(g) .. ':' .. text(now)
    if #recent > 64 then table.remove(recent, 1) end
    gen, owed = g + 1, text(now + grace)
  end

  local outcome
  if presented == gen then
    -- A client that rotates more often than the list is long gets the current token again: cutting the list
    -- instead would make one of its parallel requests look like a theft.
    outcome = 'held'
    if fresh < 32 then
      outcome = 'rotated'
      retire(gen)
    end
  elseif still_fresh then
    outcome = 'concurrent'
  elseif presented == gen - 1 and (policy == 'always' or policy == 'until_used' and used < gen) then
    outcome = 'lost_answer'
  elseif own_client and of_client == 'converge' then
    outcome = 'same_client'
  elseif own_client and of_client == 'refuse' then
    outcome = 'superseded'
  elseif presented > gen then
    -- Redis lost writes: only a gateway makes a token of a later generation. Until this moment it would have taken
    -- each one in between as current, so counting them as retired only now grants nothing new.
    outcome = 'ahead'
    gen = math.max(gen, presented - 16)
    while gen <= presented do retire(gen) end
  else
    outcome = 'reuse'
  end

  if mode == 'peek' or outcome == 'superseded' then
    if outcome == 'reuse' then owed = 'end' end
    return outcome, text(gen), owed, f
  end
  if outcome == 'reuse' then
    finish(key, text(now), 'reuse', a[10])
    return outcome, text(gen), 'end', f
  end

  redis.call('HSET', key, 'gen', text(gen), 'active', text(now), 'recent', table.concat(recent, ' '),
    'ip', a[7], 'ua', a[8], 'by', client)
  if owed ~= '' then redis.call('HSET', key, 'owe', owed) end
  if a[16] ~= '' then redis.call('HSET', key, 'p', a[16]) end

  local left = idle
  if absolute > 0 and created + absolute - now < left then left = created + absolute - now end
  redis.call('PEXPIRE', key, text(left + tonumber(a[9])))
  return outcome, text(gen), owed, f
end
