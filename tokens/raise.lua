-- Raises cutoffs and lowers none: another gateway may have written a later one meanwhile.
--
-- KEYS    1 the cutoff of all, or the cutoffs of a user
-- ARGV    1 life in ms  2… pairs of a field and a cutoff; the field of the cutoff of all is empty
for i = 2, #ARGV, 2 do
  local field, at = ARGV[i], ARGV[i + 1]
  local has = field == '' and redis.call('GET', KEYS[1]) or field ~= '' and redis.call('HGET', KEYS[1], field)
  if not has or tonumber(has) < tonumber(at) then
    if field == '' then
      redis.call('SET', KEYS[1], at)
    else
      redis.call('HSET', KEYS[1], field, at)
    end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
