-- An attempt begins on one server, in one round trip. Good records and the accounts behind names decide which counters it takes
-- from, and how large they are. The gateway states what it believes them to be; if one is different, nothing is taken.
-- The function spend stands before this text.
-- KEYS    the texts, then the good record of the account or none, then the counters
-- ARGV    1 how many texts  2 how many good records  3 and behind it: the SHA-1 of each text, then for each counter the six
--         numbers that spend takes
-- returns {0, texts}, or {1, the good record, what spend returned for each counter}
local texts, records, same, found = tonumber(ARGV[1]), tonumber(ARGV[2]), true, {}
for i = 1, texts do
  found[i] = redis.call('GET', KEYS[i]) or ''
  same = same and redis.sha1hex(found[i]) == ARGV[2 + i]
end
if not same then return {0, found} end
local own, spent, at = '', {}, texts + 3
if records > 0 then own = redis.call('GET', KEYS[texts + 1]) or '' end
for i = texts + records + 1, #KEYS do
  spent[#spent + 1] = spend(KEYS[i], {ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]})
  at = at + 6
end
return {1, own, spent}
