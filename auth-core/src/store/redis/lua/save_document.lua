local key, expected, bytes = base .. 'document:' .. arg(1), tonumber(arg(2)), arg(3)
if tonumber(redis.call('HGET', key, 'version') or 0) ~= expected then
    return {now, 0}
end
redis.call('HSET', key, 'version', text(expected + 1), 'bytes', bytes)
return {now, 1}
