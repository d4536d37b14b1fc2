-- The result was stored just before this script, in the same transaction.
if redis.call('HGET', state, 'generation') ~= ARGV[1] then
    redis.call('HDEL', results, ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[2])
end
