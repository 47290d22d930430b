-- The entries of one partition after that of an id and a mark; no id: from the start.
local after, mark, most, margin = ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
touch_server()
local key = base .. 'log'
if after ~= '' then
    local last = redis.call('XRANGE', key, after, after)[1]
    if not last or table_of(last[2]).mark ~= mark then
        return {now, floor, 'unknown_mark'}
    end
end
local found = redis.call('XRANGE', key, after == '' and '-' or '(' .. after, '+', 'COUNT', most + 1)
local entries, expires_at = {}, ''
for i = 1, math.min(#found, most) do
    local entry = table_of(found[i][2])
    after, mark, expires_at = found[i][1], entry.mark, entry.expires_at
    if entry.expires_at == 'never' or tonumber(entry.expires_at) > now - margin then
        entries[#entries + 1] = found[i][2]
    end
end
return {now, floor, 'good', #found > most and 1 or 0, after, mark, entries, expires_at}
