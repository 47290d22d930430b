-- The entries of one partition after the one with this id and mark; without an id, from the start.
local after, mark, most, margin = arg(1), arg(2), tonumber(arg(3)), tonumber(arg(4))
ensure_writable()
local key = base .. 'log'

local function value_of(entry, name)
    for i = 1, #entry, 2 do
        if entry[i] == name then
            return entry[i + 1]
        end
    end
end
if after ~= '' then
    local last = redis.call('XRANGE', key, after, after)[1]
    if not last or value_of(last[2], 'mark') ~= mark then
        return {now, floor, 'unknown_mark'}
    end
end
local found = redis.call('XRANGE', key, after == '' and '-' or '(' .. after, '+', 'COUNT', most + 1)
local entries, expires_at = {}, ''
for i = 1, math.min(#found, most) do
    local entry = found[i][2]
    after, mark, expires_at = found[i][1], value_of(entry, 'mark'), value_of(entry, 'expires_at')
    if expires_at == 'never' or tonumber(expires_at) > now - margin then
        entries[#entries + 1] = entry
    end
end
return {now, floor, 'good', #found > most and 1 or 0, after, mark, entries, expires_at}
