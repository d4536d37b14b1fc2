-- ARGV: generation, deliveries.
local was_full = is_full()
for at = 2, #ARGV do
    local entry = redis.call('XRANGE', deliveries, ARGV[at], ARGV[at])[1]
    if entry then
        drop_delivery(ARGV[at], entry[2][2])
    end
end
ring_if_freed(was_full)
