-- Ids, each with a generation and a branch.
for n = 1, #ARGV - 4, 3 do
    local id, generation, branch = arg(n), arg(n + 1), arg(n + 2)
    if live(id) then
        local family = fields_of(login_key(id), {'generation', 'branch'})
        if family.generation == generation and family.branch == branch then
            redis.call('HSET', login_key(id), 'confirmed', '1')
        end
    end
end
return {now}
