-- ARGV: generation, phase.
redis.call('HSET', state, 'phase', ARGV[2])
ring()
