-- ARGV: generation, worker, chunk, epoch. The result is in the field 'CHUNK EPOCH WORKER' of results.
local worker, chunk, epoch = ARGV[2], ARGV[3], ARGV[4]
local claim = epoch .. ' ' .. worker
local field = chunk .. ' ' .. claim
local commit = redis.call('HGET', committed, chunk)
if commit and claim_of(commit) == claim then
    return 'already_yours'
end
if commit or not owns(worker, chunk, epoch) then
    redis.call('HDEL', results, field)
    return 'not_yours'
end
local was_full = is_full()
redis.call('HINCRBY', state, 'result_octets', redis.call('HSTRLEN', results, field))
local delivery = redis.call('XADD', deliveries, '*', 'chunk', chunk, 'epoch', epoch, 'worker', worker)
redis.call('HSET', committed, chunk, delivery .. ' ' .. claim)
drop_chunk(chunk)
ring_if_freed(was_full)
return 'stored'
