-- Writes a value if the present one is as expected; '' stands for no value, expected or to be written.
-- KEYS[1] the key   ARGV 1 expected   2 new   3 life (ms)
-- returns {1, ''} when it was written, else {0, the present value}
local present = redis.call('GET', KEYS[1]) or ''
if present ~= ARGV[1] then return {0, present} end
if ARGV[2] == '' then
  redis.call('PEXPIRE', KEYS[1], 0)
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return {1, ''}
