local session, row, record = live_session(arg(1))
if not session then
    return {now, 'none'}
end
local stored = redis.call('HGETALL', session_key(arg(1)))
if not row then
    return {now, 'session', stored}
end
return {now, 'login', stored, record.epoch, record.outdated_below, session.login, whole(session.login)}
