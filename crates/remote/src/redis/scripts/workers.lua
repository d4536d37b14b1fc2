-- ARGV: generation. Returns of each worker: name, whether it is alive (1 or 0), report.
local list, time = {}, now()
local all = redis.call('HGETALL', workers)
for at = 1, #all, 2 do
    local expiry = redis.call('ZSCORE', lives, all[at])
    list[#list + 1] = {all[at], expiry and tonumber(expiry) > time and 1 or 0, all[at + 1]}
end
return list
