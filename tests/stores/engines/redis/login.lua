local row, record = live(ARGV[5])
if not row then
    return {now, 'none'}
end
return {now, 'live', record.epoch, record.outdated_below, redis.call('HGETALL', login_key(ARGV[5]))}
