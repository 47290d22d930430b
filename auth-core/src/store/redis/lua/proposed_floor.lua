-- The lowest floor that ends everything in this partition.
local highest = math.max(floor, tonumber(redis.call('GET', base .. 'highest') or 0))
return {now, math.max(highest + 1, now)}
