local id, claims, epoch = arg(1), arg(2), tonumber(arg(3))
local row = live(id)
if not row or tonumber(row.epoch) > epoch then
    return {now, 0}
end
redis.call('SET', claims_key(id), claims)
redis.call('HSET', login_key(id), 'epoch', text(epoch), 'claims_loaded_at', text(now))
return {now, 1}
