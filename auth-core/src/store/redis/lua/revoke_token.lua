local subject, token, retention, mark = arg(1), arg(2), tonumber(arg(3)), arg(4)
local expires_at = now + math.max(record_of(subject).retention, retention)
revoke_token(token, expires_at)
append(mark, expires_at, 'kind', 'token', 'item', token)
return {now, expires_at}
