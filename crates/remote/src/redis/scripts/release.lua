-- ARGV: generation, worker, chunk, epoch.
local worker, chunk, epoch = ARGV[2], ARGV[3], ARGV[4]
if owns(worker, chunk, epoch) then
    move_to(RELEASED, chunk)
    forget_consumer(worker)
    ring()
end
