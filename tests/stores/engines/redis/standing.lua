local login, session, subject, epoch, begun_under = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])
local token, key, margin = ARGV[10], ARGV[11], tonumber(ARGV[12])
touch_server()
if login ~= '' and not live(login) then
    return {now, 'gone'}
end
if session ~= '' then
    local row = table_of(redis.call('HGETALL', session_key(session)))
    if not row.version or tonumber(row.expires_at) <= now or (row.login and not live(row.login)) then
        return {now, 'gone'}
    end
end
-- Until when it is revoked.
local revoked = token ~= '' and redis.call('GET', base .. 'token:' .. token)
if revoked and tonumber(revoked) > now - margin then
    return {now, 'gone'}
end
if key ~= '' and redis.call('SISMEMBER', base .. 'keys', key) == 1 then
    return {now, 'gone'}
end
if subject ~= '' then
    local record = record_of(subject)
    local is_spared = login ~= '' and record.spared == login
    if math.min(begun_under, epoch) < floor or (begun_under < record.ended_below and not is_spared) then
        return {now, 'gone'}
    elseif epoch < record.outdated_below then
        return {now, 'outdated'}
    end
end
return {now, 'good'}
