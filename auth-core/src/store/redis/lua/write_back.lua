-- Entries, six values each: mark, expiry, kind, item (a subject, or what is revoked), login, number (an epoch or a reason).
local function all_ended(subject, below, spared)
    local record = record_of(subject)
    local kept = record.spared
    if below > record.ended_below then
        kept = spared ~= '' and spared or nil
    end
    if kept then
        local row = live(kept)
        local survives = row and row.subject == subject and (tonumber(row.begun_under) >= below or spared == kept)
        kept = survives and kept or nil
    end
    local key = record_key(subject)
    redis.call('HSET', key, 'epoch', text(math.max(record.epoch, below)),
        'ended_below', text(math.max(record.ended_below, below)))
    if kept then
        redis.call('HSET', key, 'spared', kept)
    else
        redis.call('HDEL', key, 'spared')
    end
    redis.call('SADD', base .. 'untidy', subject)
    note_epoch(below)
end

for n = 1, #ARGV - 4, 6 do
    local mark, expiry, kind, item, login, number = arg(n), arg(n + 1), arg(n + 2), arg(n + 3), arg(n + 4), arg(n + 5)
    if redis.call('HEXISTS', base .. 'marks', mark) == 0 then
        local expires_at = expiry == 'never' and expiry or tonumber(expiry)
        if kind == 'login' then
            local row = row_of(login)
            if row then
                delete_login(login, row)
            end
            append(mark, expires_at, 'kind', kind, 'login', login, 'reason', number)
        elseif kind == 'all_ended' then
            all_ended(item, tonumber(number), login)
            append(mark, expires_at, 'kind', kind, 'subject', item, 'below', number, 'login', login)
        elseif kind == 'claims_changed' then
            local record = record_of(item)
            local below = tonumber(number)
            redis.call('HSET', record_key(item), 'epoch', text(math.max(record.epoch, below)),
                'outdated_below', text(math.max(record.outdated_below, below)))
            note_epoch(below)
            append(mark, expires_at, 'kind', kind, 'subject', item, 'below', number, 'login', '')
        elseif kind == 'session' then
            delete_session(item)
            append(mark, expires_at, 'kind', kind, 'item', item)
        elseif kind == 'token' then
            revoke_token(item, expires_at)
            append(mark, expires_at, 'kind', kind, 'item', item)
        elseif kind == 'key' then
            redis.call('SADD', base .. 'keys', item)
            append(mark, expires_at, 'kind', kind, 'item', item)
        elseif kind == 'floor' then
            append(mark, expires_at, 'kind', kind, 'below', number)
        end
    end
end
return {now}
