#!lua
-- The floor of a realm, in one partition: at least the number that is given.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4]
local floor = tonumber(redis.call('GET', KEYS[1]) or nil)
local given = tonumber(ARGV[5])
if not floor and given == 0 then
    given = math.max(now, 1)
end
if not floor or floor < given then
    floor = given
    redis.call('SET', KEYS[1], string.format('%.0f', floor))
end
return floor
