local id = arg(1)
local row, record = live(id)
if not row then
    return {now, 'none'}
end
return answer('live', id, record)
