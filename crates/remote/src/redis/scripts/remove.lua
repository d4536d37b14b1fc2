-- ARGV: generation. KEYS has the plan as well, behind the others.
redis.call('UNLINK', unpack(KEYS))
