local hash, data, lifetime = arg(1), arg(2), tonumber(arg(3))
if redis.call('EXISTS', session_key(hash)) == 1 then
    return {now, 0}
end
redis.call('HSET', session_key(hash), 'data', data, 'version', 1, 'expires_at', text(now + lifetime))
redis.call('ZADD', base .. 'look_at', text(now + lifetime), 'session:' .. hash)
return {now, 1}
