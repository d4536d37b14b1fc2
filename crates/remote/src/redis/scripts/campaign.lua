if redis.call('HGET', state, 'generation') ~= ARGV[1] then
    return redis.error_reply('GONE the campaign is gone')
end

-- The entry of a chunk in the queue, and back.
local function entry_of(chunk)
    return '1-' .. chunk
end

local function chunk_of(entry)
    return string.sub(entry, 3)
end

-- Whether results, chunks, and a result for each chunk in work and for one more exceed the budget. Never
-- while nothing could lower it.
local function is_full()
    local memory = redis.call('HMGET', state, 'result_octets', 'chunk_octets', 'budget', 'per_chunk')
    local result_octets, in_work = tonumber(memory[1]), redis.call('HLEN', epochs)
    if result_octets == 0 and in_work == 0 then
        return false
    end
    return result_octets + memory[2] + memory[4] * (in_work + 1) > tonumber(memory[3])
end

-- Wakes the workers if they were told that the budget is exceeded, and it no longer is.
local function ring_if_freed(was_full)
    if was_full and not is_full() then
        ring()
    end
end

-- The worker that owns a chunk, if any.
local function owner_of(chunk)
    local entry = entry_of(chunk)
    local pending = redis.call('XPENDING', queue, GROUP, entry, entry, 1)[1]
    return pending and pending[2]
end

-- Whether it is this worker that owns the chunk, by this claim.
local function owns(worker, chunk, epoch)
    return redis.call('HGET', epochs, chunk) == epoch and owner_of(chunk) == worker
end

-- Makes a worker own a chunk that has an owner, with a new lease.
local function move_to(worker, chunk)
    redis.call('XCLAIM', queue, GROUP, worker, 0, entry_of(chunk), 'JUSTID')
end

-- Removes the consumer of a worker that owns nothing: there are as many as there are owners.
local function forget_consumer(worker)
    if worker and #redis.call('XPENDING', queue, GROUP, '-', '+', 1, worker) == 0 then
        redis.call('XGROUP', 'DELCONSUMER', queue, GROUP, worker)
    end
end

-- Removes a chunk from the queue, and the claim on it.
local function drop_chunk(chunk)
    local owner = owner_of(chunk)
    local octets = redis.call('HSTRLEN', chunks, chunk)
    redis.call('XACK', queue, GROUP, entry_of(chunk))
    redis.call('XDEL', queue, entry_of(chunk))
    redis.call('HDEL', chunks, chunk)
    redis.call('HDEL', epochs, chunk)
    redis.call('HDEL', losses, chunk)
    redis.call('HINCRBY', state, 'chunk_octets', 0 - octets)
    forget_consumer(owner)
end

-- The epoch and the worker of a commit, which is the delivery, the epoch and the worker.
local function claim_of(commit)
    return string.match(commit, '^%S+ (.*)$')
end

-- Removes a delivery, the result that belongs to it, and the memory of its commit.
local function drop_delivery(delivery, chunk)
    local field = chunk .. ' ' .. claim_of(redis.call('HGET', committed, chunk))
    local octets = redis.call('HSTRLEN', results, field)
    redis.call('XDEL', deliveries, delivery)
    redis.call('HDEL', results, field)
    redis.call('HDEL', committed, chunk)
    redis.call('HINCRBY', state, 'result_octets', 0 - octets)
end

-- Whether another process of the server took over, the first time that this is asked for this purpose.
local function is_taken_over(purpose)
    local current = instance()
    if redis.call('HGET', state, purpose) == current then
        return false
    end
    redis.call('HSET', state, purpose, current)
    return true
end

-- Milliseconds by the clock of the server.
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A whole number in digits: `..` would round one of more than 14.
local function digits(number)
    return string.format('%.0f', number)
end
