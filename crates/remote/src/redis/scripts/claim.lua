-- ARGV: generation, worker, whether it steals (1 or 0), lease in milliseconds, LOSSES_MAX.
-- Returns what it is, and for a chunk: chunk, epoch, payload; otherwise: the last entry of `wake`.
local worker, steals, lease, losses_max = ARGV[2], ARGV[3] == '1', ARGV[4], tonumber(ARGV[5])

local function nothing(reason)
    local bell = redis.call('XREVRANGE', wake, '+', '-', 'COUNT', 1)[1]
    return {reason, bell and bell[1] or '0-0'}
end

local function give(chunk)
    local epoch = redis.call('HINCRBY', epochs, chunk, 1)
    return {'chunk', chunk, digits(epoch), redis.call('HGET', chunks, chunk)}
end

if redis.call('HGET', state, 'phase') == 'cancelled' then
    return nothing('cancelled')
end

local released = redis.call('XPENDING', queue, GROUP, '-', '+', 1, RELEASED)[1]
if released then
    local chunk = chunk_of(released[1])
    move_to(worker, chunk)
    return give(chunk)
end

-- Every chunk has an epoch from its first claim on.
local has_new = redis.call('HLEN', chunks) > redis.call('HLEN', epochs)
local full = has_new and is_full()
if has_new and not full then
    local read = redis.call('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', 1, 'STREAMS', queue, '>')
    if read then
        return give(chunk_of(read[1][2][1][1]))
    end
end

-- While another process took over, no owner could renew its lease, and its clock may differ.
if steals and is_taken_over('lease_instance') then
    local in_work = math.max(redis.call('HLEN', epochs), 1)
    for _, pending in ipairs(redis.call('XPENDING', queue, GROUP, '-', '+', in_work)) do
        move_to(pending[2], chunk_of(pending[1]))
    end
end

-- A chunk in work takes no more memory when its owner changes.
while steals do
    local pending = redis.call('XPENDING', queue, GROUP, 'IDLE', lease, '-', '+', 1)[1]
    if not pending then
        break
    end
    local chunk, owner = chunk_of(pending[1]), pending[2]
    if redis.call('HINCRBY', losses, chunk, 1) < losses_max then
        move_to(worker, chunk)
        forget_consumer(owner)
        return give(chunk)
    end
    local delivery = redis.call('XADD', deliveries, '*', 'chunk', chunk)
    drop_chunk(chunk)
    redis.call('HSET', committed, chunk, delivery .. ' 0 ')
end
return nothing(full and 'full' or 'nothing')
