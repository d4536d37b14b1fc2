-- The names that all scripts use. KEYS are those of keys.rs, in that order; ARGV[1] is the generation.
local state, queue, chunks, epochs, losses, deliveries, results, committed, workers, shares, lives, wake =
    unpack(KEYS)

-- The consumer group of the queue, and the consumer that holds chunks that were given back.
local GROUP, RELEASED = 'workers', '(released)'

-- Wakes the workers that wait for a chunk.
local function ring()
    redis.call('XADD', wake, 'MAXLEN', 1, '*', 'w', '')
end

-- The process of the server.
local function instance()
    return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
