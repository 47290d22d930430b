-- Compare and swap. The id, the retention and whether the grace period begins now; then names, expected and new values. The
-- empty text stands for a value that is absent.
local id, retention, begins_now = arg(1), tonumber(arg(2)), arg(3) == '1'
local row, record = live(id)
if not row then
    return {now, 'none'}
end
local key = login_key(id)
for n = 4, #ARGV - 4, 3 do
    local name, expected = arg(n), arg(n + 1)
    if (redis.call('HGET', key, name) or '') ~= expected then
        return {now, 'none'}
    end
end
for n = 4, #ARGV - 4, 3 do
    local name, value = arg(n), arg(n + 2)
    if name == 'rotated_at' then
        if begins_now then
            redis.call('HSET', key, name, text(now))
        end
    elseif value == '' then
        redis.call('HDEL', key, name)
    else
        redis.call('HSET', key, name, value)
    end
end
if retention > tonumber(row.retention) then
    redis.call('HSET', key, 'retention', text(retention))
end
raise_retention(row.subject, record, retention)
return answer('live', id, record)
