local login, session, subject, epoch, begun_under = arg(1), arg(2), arg(3), tonumber(arg(4)), tonumber(arg(5))
local token, key, margin = arg(6), arg(7), tonumber(arg(8))
ensure_writable()
if (login ~= '' and not live(login)) or (session ~= '' and not live_session(session)) then
    return {now, 'gone'}
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
