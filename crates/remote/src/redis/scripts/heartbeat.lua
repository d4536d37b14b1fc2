-- ARGV: generation, worker, and of each claim chunk and epoch.
-- Returns the places, from 0, of the claims that the worker does not own.
local worker, lost = ARGV[2], {}
for at = 3, #ARGV, 2 do
    if owns(worker, ARGV[at], ARGV[at + 1]) then
        move_to(worker, ARGV[at])
    else
        lost[#lost + 1] = (at - 3) / 2
    end
end
return lost
