-- ARGV: generation, worker. Returns of each chunk: chunk, epoch, payload.
local held = {}
local in_work = redis.call('HLEN', epochs)
if in_work == 0 then
    return held
end
for _, pending in ipairs(redis.call('XPENDING', queue, GROUP, '-', '+', in_work, ARGV[2])) do
    local chunk = chunk_of(pending[1])
    held[#held + 1] = {chunk, redis.call('HGET', epochs, chunk), redis.call('HGET', chunks, chunk)}
end
return held
