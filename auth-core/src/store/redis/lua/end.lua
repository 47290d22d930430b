local subject, id, retention, mark, reason = arg(1), arg(2), tonumber(arg(3)), arg(4), arg(5)
local row = live(id)
if not row or row.subject ~= subject then
    return {now, 'none'}
end
local expires_at = now + math.max(tonumber(row.retention), retention)
delete_login(id, row)
append(mark, expires_at, 'kind', 'login', 'login', id, 'reason', reason)
return {now, 'ended', expires_at}
