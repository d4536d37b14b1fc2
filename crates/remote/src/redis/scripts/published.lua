-- ARGV: generation, first entry, the most chunks. Returns of each chunk: chunk, payload.
local list = {}
for _, entry in ipairs(redis.call('XRANGE', queue, ARGV[2], '+', 'COUNT', ARGV[3])) do
    local chunk = chunk_of(entry[1])
    list[#list + 1] = {chunk, redis.call('HGET', chunks, chunk)}
end
return list
