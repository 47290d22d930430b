#!lua
-- The beginning of every script except `floor`. A script is one step in one partition of one realm.
--
-- Arguments of every script: the realm, the hash tag of the partition, milliseconds to add to the server's clock, and the
-- command that publishes. `arg(n)` is the n-th of the others. All keys begin with the tag, so that they are in one slot.
-- Ids, hashes of sessions and marks are hexadecimal digits. Numbers are doubles: exact below 2^53.
local realm, tag = ARGV[1], ARGV[2]
local base = tag .. string.len(realm) .. ':' .. realm .. ':'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
local floor = tonumber(redis.call('GET', KEYS[1]) or nil)
if not floor then
    -- The realm must first be created, in all partitions.
    return false
end

local function arg(n)
    return ARGV[n + 4]
end

local function text(number)
    return string.format('%.0f', number)
end

-- The id of a login is unique in all realms.
local function login_key(id)
    return tag .. 'login:' .. id
end

local function claims_key(id)
    return tag .. 'claims:' .. id
end

local function about_key(id)
    return tag .. 'about:' .. id
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

local function fields_of(key, names)
    local values, fields = redis.call('HMGET', key, unpack(names)), {}
    for i, name in ipairs(names) do
        fields[name] = values[i] or nil
    end
    return fields
end

local record_fields = {'epoch', 'outdated_below', 'ended_below', 'spared', 'retention'}

-- The record of a subject. Its numbers never count as less than the floor.
local function record_of(subject)
    local found = fields_of(record_key(subject), record_fields)
    local function at_least(number)
        return math.max(tonumber(number or 0), floor)
    end
    return {
        epoch = at_least(found.epoch),
        outdated_below = at_least(found.outdated_below),
        ended_below = at_least(found.ended_below),
        spared = found.spared,
        retention = tonumber(found.retention or 0),
    }
end

local function raise_retention(subject, record, retention)
    if retention > record.retention then
        redis.call('HSET', record_key(subject), 'retention', text(retention))
    end
end

-- The highest epoch of the partition, for `declare_restored`.
local function note_epoch(epoch)
    local highest = tonumber(redis.call('GET', base .. 'highest') or 0)
    if epoch > highest then
        redis.call('SET', base .. 'highest', text(epoch))
    end
end

local row_fields = {'realm', 'subject', 'expires_at', 'idle_expires_at', 'last_seen_at', 'begun_under', 'epoch',
    'retention', 'session', 'created_at'}

local function row_of(id)
    local row = fields_of(login_key(id), row_fields)
    return row.realm == realm and row or nil
end

local function is_live(id, row, record)
    local begun_under = tonumber(row.begun_under)
    return now < tonumber(row.expires_at) and now < tonumber(row.idle_expires_at) and begun_under >= floor
        and (begun_under >= record.ended_below or record.spared == id)
end

-- The row if it is live, and the record of its subject.
local function live(id)
    local row = row_of(id)
    if not row then
        return nil
    end
    local record = record_of(row.subject)
    if is_live(id, row, record) then
        return row, record
    end
    return nil
end

-- The ids of the live logins of a subject, oldest first, and their rows.
local function live_of(subject, record)
    local ids, rows = {}, {}
    for _, id in ipairs(redis.call('ZRANGE', index_key(subject), 0, -1)) do
        local row = row_of(id)
        if row and is_live(id, row, record) then
            ids[#ids + 1] = id
            rows[id] = row
        end
    end
    return ids, rows
end

-- A login as a reply: the row, the claims, and the constant part.
local function whole(id)
    return {redis.call('HGETALL', login_key(id)), redis.call('GET', claims_key(id)), redis.call('GET', about_key(id))}
end

-- A live login as a reply.
local function answer(outcome, id, record)
    return {now, outcome, record.epoch, record.outdated_below, whole(id)}
end

local function delete_session(hash)
    redis.call('DEL', session_key(hash))
    redis.call('ZREM', base .. 'look_at', 'session:' .. hash)
end

local function delete_login(id, row)
    if row.session then
        delete_session(row.session)
    end
    redis.call('DEL', login_key(id), claims_key(id), about_key(id))
    redis.call('ZREM', index_key(row.subject), id)
    redis.call('ZREM', base .. 'look_at', 'login:' .. id)
end

-- The session if it is live, and its login and record if it carries one.
local function live_session(hash)
    local found = fields_of(session_key(hash), {'login', 'version', 'expires_at'})
    if not found.version or now >= tonumber(found.expires_at) then
        return nil
    end
    if not found.login then
        return found
    end
    local row, record = live(found.login)
    if row then
        return found, row, record
    end
    return nil
end

-- Appends to the log. `expires_at` is a number, or 'never'. The rest are names and values.
local function append(mark, expires_at, ...)
    local never = expires_at == 'never'
    local expiry = never and expires_at or text(expires_at)
    local id = redis.call('XADD', base .. 'log', '*', 'mark', mark, 'expires_at', expiry, ...)
    redis.call('HSET', base .. 'marks', mark, id)
    if not never then
        redis.call('ZADD', base .. 'log_ends', expiry, id)
    end
    redis.call(ARGV[4], tag .. 'log', '')
end

-- Records until when a token is revoked, for `standing`. The record counts ten minutes longer, as log entries do, and is kept
-- for another ten, because the clock may step.
local function revoke_token(token, expires_at)
    local key = base .. 'token:' .. token
    local before = tonumber(redis.call('GET', key) or 0)
    if expires_at > before then
        redis.call('SET', key, text(expires_at), 'PX', text(math.max(expires_at - now, 0) + 1200000))
    end
end

-- Written by calls that otherwise only read, so that a server that may not write, such as a replica, or a master that has
-- too few replicas, does not answer them.
local function ensure_writable()
    redis.call('SET', base .. 'asked', text(now))
end

