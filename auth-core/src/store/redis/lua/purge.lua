-- One small step of a purge. Returns the number of deleted logins, and whether there is more to do.
local most, margin, cursor = tonumber(arg(1)), tonumber(arg(2)), arg(3)
local look_at, purged = base .. 'look_at', 0

-- Deletes logins that are not live. Those that are live are looked at again when they may have expired.
local function look(member)
    local kind, id = string.match(member, '^(%a+):(.*)$')
    if kind == 'login' then
        local row = row_of(id)
        if not row then
            redis.call('ZREM', look_at, member)
        elseif is_live(id, row, record_of(row.subject)) then
            redis.call('ZADD', look_at, text(math.min(tonumber(row.expires_at), tonumber(row.idle_expires_at))), member)
        else
            delete_login(id, row)
            purged = purged + 1
        end
    else
        local session = live_session(id)
        if session then
            redis.call('ZADD', look_at, session.expires_at, member)
        else
            delete_session(id)
        end
    end
end

local due = redis.call('ZRANGEBYSCORE', look_at, '-inf', text(now), 'LIMIT', 0, most)
for _, member in ipairs(due) do
    look(member)
end
local is_more = #due == most

-- Logins that were ended by a threshold: of one subject, or below the floor.
local untidy = redis.call('SRANDMEMBER', base .. 'untidy')
if untidy and not is_more then
    local record, dead = record_of(untidy), 0
    for _, id in ipairs(redis.call('ZRANGE', index_key(untidy), 0, -1)) do
        local row = row_of(id)
        if not row or not is_live(id, row, record) then
            if row then
                delete_login(id, row)
                purged = purged + 1
            else
                redis.call('ZREM', index_key(untidy), id)
            end
            dead = dead + 1
            if dead == most then
                break
            end
        end
    end
    if dead < most then
        redis.call('SREM', base .. 'untidy', untidy)
    end
    is_more = true
end
if not is_more and redis.call('EXISTS', base .. 'sweep') == 1 then
    local next = redis.call('ZSCAN', look_at, cursor, 'COUNT', most)
    cursor = next[1]
    for i = 1, #next[2], 2 do
        look(next[2][i])
    end
    if cursor == '0' then
        redis.call('DEL', base .. 'sweep')
    end
    is_more = true
end

-- The newest entry stays, because cursors name it.
local log = base .. 'log'
local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
local over = redis.call('ZRANGEBYSCORE', base .. 'log_ends', '-inf', text(now - margin), 'LIMIT', 0, most)
local deleted = 0
for _, id in ipairs(over) do
    if newest and newest[1] ~= id then
        local entry = redis.call('XRANGE', log, id, id)[1]
        for i = 1, entry and #entry[2] or 0, 2 do
            if entry[2][i] == 'mark' then
                redis.call('HDEL', base .. 'marks', entry[2][i + 1])
            end
        end
        redis.call('XDEL', log, id)
        redis.call('ZREM', base .. 'log_ends', id)
        deleted = deleted + 1
    end
end
if #over == most and deleted > 0 then
    is_more = true
end
return {now, purged, is_more and 1 or 0, cursor}
