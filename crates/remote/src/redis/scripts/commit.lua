-- ARGV: generation, worker, chunk, epoch, result.
local worker, chunk, epoch, result = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local commit = redis.call('HGET', committed, chunk)
if commit then
    local by_epoch, by = string.match(commit, '^%S+ (%d+) (.*)$')
    return by_epoch == epoch and by == worker and 'already_yours' or 'not_yours'
end
if not owns(worker, chunk, epoch) then
    return 'not_yours'
end
local was_full = is_full()
redis.call('HSET', results, chunk, result)
redis.call('HINCRBY', state, 'result_octets', #result)
local delivery = redis.call('XADD', deliveries, '*', 'chunk', chunk, 'epoch', epoch, 'worker', worker)
redis.call('HSET', committed, chunk, delivery .. ' ' .. epoch .. ' ' .. worker)
drop_chunk(chunk)
ring_if_freed(was_full)
return 'stored'
