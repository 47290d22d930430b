-- Ids, each with how long ago the login was used and its idle lifetime.
for n = 1, #ARGV - 4, 3 do
    local id, ago, idle = arg(n), tonumber(arg(n + 1)), tonumber(arg(n + 2))
    local row = live(id)
    if row then
        local used_at = now - ago
        local seen = math.max(tonumber(row.last_seen_at), used_at)
        local idle_expires_at = math.max(tonumber(row.idle_expires_at), used_at + idle)
        redis.call('HSET', login_key(id), 'last_seen_at', text(seen),
            'idle_expires_at', text(math.min(idle_expires_at, tonumber(row.expires_at))))
    end
end
return {now}
