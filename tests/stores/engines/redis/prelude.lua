#!lua
-- Arguments of every script: the realm, the hash tag, the start of the realm's keys, the offset of the clock. All keys
-- begin with the tag, so that they are in one slot. Ids, hashes and marks are in hexadecimal digits. Numbers are doubles:
-- exact below 2^53.
local realm, tag, base = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[4]
local floor = tonumber(redis.call('GET', KEYS[1]) or nil)
if not floor then
    -- The realm must begin first, in all partitions.
    return false
end

local function text(number)
    return string.format('%.0f', number)
end

local function login_key(id)
    return tag .. 'login:' .. id
end

local function record_key(subject)
    return base .. 'subject:' .. subject
end

local function index_key(subject)
    return base .. 'logins:' .. subject
end

local function session_key(hash)
    return base .. 'session:' .. hash
end

local function table_of(flat)
    local fields = {}
    for i = 1, #flat, 2 do
        fields[flat[i]] = flat[i + 1]
    end
    return fields
end

local function record_of(subject)
    local found = table_of(redis.call('HGETALL', record_key(subject)))
    local function at_least(name)
        return math.max(tonumber(found[name] or 0), floor)
    end
    return {
        epoch = at_least('epoch'),
        outdated_below = at_least('outdated_below'),
        ended_below = at_least('ended_below'),
        spared = found.spared,
        retention = tonumber(found.retention or 0),
    }
end

local function raise_retention(subject, record, retention)
    if retention > record.retention then
        redis.call('HSET', record_key(subject), 'retention', text(retention))
    end
end

-- The row if it is live, and the record of its subject.
local function live(id)
    local row = table_of(redis.call('HGETALL', login_key(id)))
    if row.realm ~= realm then
        return nil
    end
    local record = record_of(row.subject)
    local begun_under = tonumber(row.begun_under)
    if now >= tonumber(row.expires_at) or now >= tonumber(row.idle_expires_at) or begun_under < floor
        or (begun_under < record.ended_below and record.spared ~= id) then
        return nil
    end
    return row, record
end

-- The ids of the live logins of a subject, oldest first, and their rows.
local function live_of(subject)
    local ids, rows = {}, {}
    for _, id in ipairs(redis.call('ZRANGE', index_key(subject), 0, -1)) do
        local row = live(id)
        if row then
            ids[#ids + 1] = id
            rows[id] = row
        end
    end
    return ids, rows
end

local function append(mark, expires_at, ...)
    redis.call('XADD', base .. 'log', '*', 'mark', mark, 'expires_at', text(expires_at), ...)
end

-- Written by what only reads, so that a server that may not write, as too few replicas are left, does not answer.
local function touch_server()
    redis.call('SET', base .. 'asked', text(now))
end

