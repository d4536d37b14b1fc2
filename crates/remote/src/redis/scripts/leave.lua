-- ARGV: generation, worker, report.
local worker, report = ARGV[2], ARGV[3]
redis.call('HDEL', shares, worker)
redis.call('HSET', workers, worker, report)
redis.call('ZADD', lives, digits(now()), worker)
