local old, new, retention, mark = arg(1), arg(2), tonumber(arg(3)), arg(4)
local session, row = live_session(old)
if not session or redis.call('EXISTS', session_key(new)) == 1 then
    return {now, 'refused'}
end
redis.call('RENAME', session_key(old), session_key(new))
redis.call('HINCRBY', session_key(new), 'version', 1)
redis.call('ZREM', base .. 'look_at', 'session:' .. old)
redis.call('ZADD', base .. 'look_at', session.expires_at, 'session:' .. new)
if not row then
    return {now, 'renamed'}
end
redis.call('HSET', login_key(session.login), 'session', new)
local expires_at = now + math.max(tonumber(row.retention), retention)
append(mark, expires_at, 'kind', 'session', 'item', old)
return {now, 'logged', expires_at}
