local id, generation, branch, secret = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local successor, nonce, grace, idle, retention = ARGV[9], ARGV[10], tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local row, record = live(id)
if not row then
    return {now, 'none'}
end
local key = login_key(id)
local outcome = 'live'
if row.generation and tonumber(row.generation) == generation and tonumber(row.branch) == branch
    and row.current == secret and generation < 4294967295 and tonumber(row.rotated_at) <= now - grace then
    redis.call('HSET', key, 'generation', text(generation + 1), 'branch', 0, 'previous_branch', row.branch,
        'current', successor, 'previous', secret, 'nonce', nonce, 'rotated_at', text(now), 'confirmed', 0,
        'counted', 0, 'shared', row.counted == '1' and row.shared or 0, 'last_seen_at', text(now),
        'idle_expires_at', text(math.min(now + idle, tonumber(row.expires_at))),
        'retention', text(math.max(tonumber(row.retention), retention)))
    raise_retention(row.subject, record, retention)
    outcome = 'rotated'
end
return {now, outcome, record.epoch, record.outdated_below, redis.call('HGETALL', key)}
