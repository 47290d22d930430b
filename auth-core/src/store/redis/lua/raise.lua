-- `end_all` and `claims_changed`.
local subject, retention, mark, what, except = arg(1), tonumber(arg(2)), arg(3), arg(4), arg(5)
local record = record_of(subject)
local epoch = math.max(record.epoch + 1, now)
local expires_at = now + math.max(record.retention, retention)
local key = record_key(subject)
local count, spared = 0, ''
if what == 'all_ended' then
    local ids, rows = live_of(subject, record)
    if rows[except] then
        spared = except
    end
    count = #ids - (spared == '' and 0 or 1)
    redis.call('HSET', key, 'epoch', text(epoch), 'ended_below', text(epoch))
    if spared == '' then
        redis.call('HDEL', key, 'spared')
    else
        redis.call('HSET', key, 'spared', spared)
    end
    redis.call('SADD', base .. 'untidy', subject)
else
    redis.call('HSET', key, 'epoch', text(epoch), 'outdated_below', text(epoch))
end
note_epoch(epoch)
append(mark, expires_at, 'kind', what, 'subject', subject, 'below', text(epoch), 'login', spared)
return {now, epoch, count, spared, expires_at}
