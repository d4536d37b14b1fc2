-- ARGV: generation, first entry, the most octets of results.
-- Returns of each delivery: entry, chunk, epoch, worker; or entry and chunk, if it is poison.
local DELIVERIES_MAX = 1000
local octets_max, octets, list = tonumber(ARGV[3]), 0, {}
for _, entry in ipairs(redis.call('XRANGE', deliveries, ARGV[2], '+', 'COUNT', DELIVERIES_MAX)) do
    local id, fields = entry[1], entry[2]
    local chunk, epoch, worker = fields[2], fields[4], fields[6]
    if epoch then
        octets = octets + redis.call('HSTRLEN', results, chunk .. ' ' .. epoch .. ' ' .. worker)
    end
    if #list > 0 and octets > octets_max then
        break
    end
    list[#list + 1] = {id, chunk, epoch, worker}
end
return list
