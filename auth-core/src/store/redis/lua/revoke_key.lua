local key, mark = arg(1), arg(2)
redis.call('SADD', base .. 'keys', key)
append(mark, 'never', 'kind', 'key', 'item', key)
return {now}
