local found = fields_of(base .. 'document:' .. arg(1), {'version', 'bytes'})
if not found.version then
    return {now, 0}
end
return {now, tonumber(found.version), found.bytes}
