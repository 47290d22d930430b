local id, generation, branch = arg(1), tonumber(arg(2)), tonumber(arg(3))
local secret, successor, nonce = arg(4), arg(5), arg(6)
local grace, idle, retention = tonumber(arg(7)), tonumber(arg(8)), tonumber(arg(9))
local row, record = live(id)
if not row then
    return {now, 'none'}
end
local key = login_key(id)
local family = fields_of(key, {'generation', 'branch', 'current', 'rotated_at', 'counted', 'shared'})
if not family.generation or tonumber(family.generation) ~= generation or tonumber(family.branch) ~= branch
    or family.current ~= secret or generation >= 4294967295 or tonumber(family.rotated_at) > now - grace then
    return answer('live', id, record)
end
redis.call('HSET', key, 'generation', text(generation + 1), 'branch', '0', 'previous_branch', family.branch,
    'current', successor, 'previous', secret, 'nonce', nonce, 'rotated_at', text(now), 'confirmed', '0',
    'counted', '0', 'shared', family.counted == '1' and family.shared or '0', 'last_seen_at', text(now),
    'idle_expires_at', text(math.min(now + idle, tonumber(row.expires_at))),
    'retention', text(math.max(tonumber(row.retention), retention)))
raise_retention(row.subject, record, retention)
return answer('rotated', id, record)
