-- ARGV: generation, chunk.
local chunk, was_full = ARGV[2], is_full()
local commit = redis.call('HGET', committed, chunk)
if commit then
    drop_delivery(string.match(commit, '^%S+'), chunk)
else
    drop_chunk(chunk)
end
ring_if_freed(was_full)
