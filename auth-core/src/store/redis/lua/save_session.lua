local hash, data, expected, lifetime = arg(1), arg(2), tonumber(arg(3)), tonumber(arg(4))
local session = live_session(hash)
if not session then
    return {now, 'gone'}
end
local version = tonumber(session.version)
if version ~= expected then
    return {now, 'conflict'}
end
redis.call('HSET', session_key(hash), 'data', data, 'version', text(version + 1), 'expires_at', text(now + lifetime))
return {now, 'saved', version + 1}
