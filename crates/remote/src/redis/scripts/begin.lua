-- ARGV: generation, plan, budget, octets that a result of a chunk is expected to take at most, the most
-- workers that have a share.
-- KEYS has the plan as well, behind the others.
local plan = KEYS[13]
if redis.call('HGET', state, 'generation') == ARGV[1] then
    return
end
redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', state, 'generation', ARGV[1], 'phase', 'running', 'next', '0', 'budget', ARGV[3],
    'per_chunk', ARGV[4], 'shares_max', ARGV[5], 'chunk_octets', 0, 'result_octets', 0,
    'lease_instance', instance(), 'share_instance', instance(),
    'quiet_until', 0)
redis.call('HSET', plan, 'generation', ARGV[1], 'plan', ARGV[2])
redis.call('XGROUP', 'CREATE', queue, GROUP, '0', 'MKSTREAM')
ring()
