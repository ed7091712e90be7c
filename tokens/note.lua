-- Notes the newest session by itself; newest.lua stands before this text.
-- KEYS[1] the newest session   ARGV 1 its creation (ms)  2 how long that is kept (ms)
raise_newest(KEYS[1], ARGV[1], ARGV[2])
return 1
