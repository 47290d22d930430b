local id, subject, epoch, issued_at, good_for = ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local lifetime, idle, retention = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local most, evicts, seed = tonumber(ARGV[13]), ARGV[14] == 'evict', ARGV[15]
local session, data, session_lifetime, replaces = ARGV[16], ARGV[17], tonumber(ARGV[18]), ARGV[19]

local record = record_of(subject)
if record.epoch ~= epoch or now - issued_at > good_for then
    return {now, 'outdated'}
end
if redis.call('EXISTS', login_key(id)) == 1
    or (session ~= '' and redis.call('EXISTS', session_key(session)) == 1) then
    return {now, 'id_taken'}
end
local surplus, others, replaced, rows = 0, {}, nil, nil
if most > 0 or replaces ~= '' then
    local ids
    ids, rows = live_of(subject)
    for _, old in ipairs(ids) do
        if old == replaces then replaced = old else others[#others + 1] = old end
    end
end
if most > 0 then
    surplus = #others + 1 - most
    if surplus > 0 and not evicts then
        return {now, 'limit_reached'}
    end
end

local function end_login(old, reason)
    local mark = string.sub(redis.sha1hex(seed .. old), 1, 32)
    local expires_at = now + math.max(tonumber(rows[old].retention), retention)
    if rows[old].session then
        redis.call('DEL', session_key(rows[old].session))
    end
    redis.call('DEL', login_key(old))
    redis.call('ZREM', index_key(subject), old)
    append(mark, expires_at, 'kind', 'login', 'login', old, 'reason', reason)
    return {old, mark, expires_at}
end
local ended, evicted = {}, {}
if replaced then
    ended[1] = end_login(replaced, 'replaced')
end
for i = 1, surplus do
    evicted[i] = end_login(others[i], 'evicted')
end
raise_retention(subject, record, retention)
local expires_at = now + lifetime
redis.call('HSET', login_key(id), 'realm', realm, 'subject', subject, 'created_at', text(now),
    'last_seen_at', text(now), 'authenticated_at', text(now), 'expires_at', text(expires_at),
    'idle_expires_at', text(math.min(now + idle, expires_at)), 'begun_under', text(epoch), 'epoch', text(epoch),
    'claims_loaded_at', text(now), 'retention', text(retention), unpack(ARGV, 20))
redis.call('ZADD', index_key(subject), text(now), id)
if session ~= '' then
    redis.call('HSET', session_key(session), 'login', id, 'data', data, 'version', 1,
        'expires_at', text(now + session_lifetime))
    redis.call('HSET', login_key(id), 'session', session)
end
return {now, 'made', redis.call('HGETALL', login_key(id)), evicted, ended}
