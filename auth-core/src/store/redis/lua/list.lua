-- At most `most` live logins, newest first, after the one that is given.
local subject, after, after_id, most = arg(1), arg(2), arg(3), tonumber(arg(4))
local record = record_of(subject)
local logins, from, batch = {}, 0, 200
local highest = after == '' and '+inf' or after
while #logins < most do
    local ids = redis.call('ZREVRANGEBYSCORE', index_key(subject), highest, '-inf', 'WITHSCORES', 'LIMIT', from, batch)
    for i = 1, #ids, 2 do
        local id, created_at = ids[i], ids[i + 1]
        local is_after = after == '' or tonumber(created_at) < tonumber(after) or id < after_id
        local row = is_after and row_of(id)
        if row and is_live(id, row, record) and #logins < most then
            logins[#logins + 1] = {id, whole(id)}
        end
    end
    if #ids < 2 * batch then
        break
    end
    from = from + batch
end
return {now, record.epoch, record.outdated_below, logins}
