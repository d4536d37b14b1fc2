-- ARGV: generation. Returns the chunks that are in the queue, and those that have a delivery.
return {redis.call('HKEYS', chunks), redis.call('HKEYS', committed)}
