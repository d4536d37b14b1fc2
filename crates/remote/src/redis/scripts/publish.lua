-- ARGV: generation, chunk, payload, the number after that of the chunk.
local chunk, payload = ARGV[2], ARGV[3]
if tonumber(chunk) < tonumber(redis.call('HGET', state, 'next')) then
    return
end
redis.call('HSET', chunks, chunk, payload)
redis.call('XADD', queue, entry_of(chunk), 'c', '')
redis.call('HINCRBY', state, 'chunk_octets', #payload)
redis.call('HSET', state, 'next', ARGV[4])
ring()
