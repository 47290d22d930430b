#!lua
-- The floor of a realm in one partition: creates it, and raises it to the number that is given.
local realm, tag = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
local floor = tonumber(redis.call('GET', KEYS[1]) or nil)
local given = tonumber(ARGV[5])
if not floor and given == 0 then
    given = math.max(now, 1)
end
if not floor or floor < given then
    if floor then
        -- Logins that began below the floor are deleted by the next purge.
        redis.call('SET', tag .. string.len(realm) .. ':' .. realm .. ':sweep', '1')
    end
    floor = given
    redis.call('SET', KEYS[1], string.format('%.0f', floor))
    redis.call('SADD', tag .. 'realms', realm)
end
return {now, floor}
