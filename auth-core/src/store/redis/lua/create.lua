local id, subject, epoch, issued_at, good_for = arg(1), arg(2), tonumber(arg(3)), tonumber(arg(4)), tonumber(arg(5))
local lifetime, idle, retention = tonumber(arg(6)), tonumber(arg(7)), tonumber(arg(8))
local most, evicts, mark, seed = tonumber(arg(9)), arg(10) == 'evict', arg(11), arg(12)
local session, data, session_lifetime, replaces = arg(13), arg(14), tonumber(arg(15)), arg(16)
local replaced_reason, evicted_reason, claims, about = arg(17), arg(18), arg(19), arg(20)

local record = record_of(subject)
if record.epoch ~= epoch or now - issued_at > good_for then
    return {now, 'outdated'}
end
if redis.call('EXISTS', login_key(id)) == 1
    or (session ~= '' and redis.call('EXISTS', session_key(session)) == 1) then
    return {now, 'id_taken'}
end
local surplus, others, replaced, rows = 0, {}, nil, nil
if most > 0 then
    local ids
    ids, rows = live_of(subject, record)
    for _, old in ipairs(ids) do
        if old == replaces then replaced = old else others[#others + 1] = old end
    end
    surplus = #others + 1 - most
    if surplus > 0 and not evicts then
        return {now, 'limit_reached'}
    end
elseif replaces ~= '' then
    local row = live(replaces)
    if row and row.subject == subject then
        replaced, rows = replaces, {[replaces] = row}
    end
end

local function end_login(old, mark, reason)
    local expires_at = now + math.max(tonumber(rows[old].retention), retention)
    delete_login(old, rows[old])
    append(mark, expires_at, 'kind', 'login', 'login', old, 'reason', reason)
    return {old, mark, expires_at}
end
local ended, evicted = {}, {}
if replaced then
    ended[1] = end_login(replaced, mark, replaced_reason)
end
for i = 1, surplus do
    evicted[i] = end_login(others[i], string.sub(redis.sha1hex(seed .. others[i]), 1, 32), evicted_reason)
end
raise_retention(subject, record, retention)
local expires_at = now + lifetime
local idle_expires_at = math.min(now + idle, expires_at)
redis.call('HSET', login_key(id), 'realm', realm, 'subject', subject, 'created_at', text(now),
    'last_seen_at', text(now), 'authenticated_at', text(now), 'expires_at', text(expires_at),
    'idle_expires_at', text(idle_expires_at), 'begun_under', text(epoch), 'epoch', text(epoch),
    'claims_loaded_at', text(now), 'retention', text(retention), unpack(ARGV, 25))
redis.call('SET', claims_key(id), claims)
redis.call('SET', about_key(id), about)
redis.call('ZADD', index_key(subject), text(now), id)
redis.call('ZADD', base .. 'look_at', text(idle_expires_at), 'login:' .. id)
if session ~= '' then
    redis.call('HSET', session_key(session), 'login', id, 'data', data, 'version', 1,
        'expires_at', text(now + session_lifetime))
    redis.call('HSET', login_key(id), 'session', session)
    redis.call('ZADD', base .. 'look_at', text(now + session_lifetime), 'session:' .. session)
end
return {now, 'made', whole(id), evicted, ended}
