local hash = arg(1)
if redis.call('HEXISTS', session_key(hash), 'login') == 0 then
    delete_session(hash)
end
return {now}
