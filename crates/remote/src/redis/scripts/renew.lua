-- ARGV: generation, worker, report, milliseconds of the share, the most workers that are remembered.
-- Returns the share in parts of WHOLE, the number of live workers, and the phase.
local WHOLE = 1000000000
local worker, report, time = ARGV[2], ARGV[3], now()
local until_then, workers_max = time + ARGV[4], tonumber(ARGV[5])

-- A process that took over may lack the last grants, and its clock may differ from that of their expiry. So
-- they are forgotten, and until all that were made before must have expired there are none.
if is_taken_over('share_instance') then
    redis.call('HSET', state, 'quiet_until', digits(until_then))
    redis.call('DEL', shares)
    redis.call('ZUNIONSTORE', lives, 1, lives, 'WEIGHTS', 0)
end

-- The shares of a worker that have not expired, and the greatest of them. It may use that one: it does not
-- know of a later and smaller one whose grant was lost on its way.
local function unexpired(grants)
    local list, greatest = {}, 0
    for share, expiry in string.gmatch(grants, '(%d+):(%d+)') do
        if tonumber(expiry) > time then
            list[#list + 1] = {tonumber(share), tonumber(expiry)}
            greatest = math.max(greatest, tonumber(share))
        end
    end
    return list, greatest
end

local own, others = {}, 0
local all = redis.call('HGETALL', shares)
for at = 1, #all, 2 do
    local list, greatest = unexpired(all[at + 1])
    if all[at] == worker then
        own = list
    elseif #list == 0 then
        redis.call('HDEL', shares, all[at])
    else
        others = others + greatest
    end
end

redis.call('HSET', workers, worker, report)
redis.call('ZADD', lives, digits(until_then), worker)
local live = redis.call('ZCOUNT', lives, '(' .. digits(time), '+inf')
local parts = math.max(1, math.min(live, tonumber(redis.call('HGET', state, 'shares_max'))))
local share = math.max(0, math.min(math.floor(WHOLE / parts), WHOLE - others))
if time < tonumber(redis.call('HGET', state, 'quiet_until')) then
    share = 0
end

-- An older grant that is neither greater nor longer says nothing more.
local grants = digits(share) .. ':' .. digits(until_then)
for _, grant in ipairs(own) do
    if grant[1] > share or grant[2] > until_then then
        grants = grants .. ' ' .. digits(grant[1]) .. ':' .. digits(grant[2])
    end
end
redis.call('HSET', shares, worker, grants)

-- The workers that have been gone for the longest are forgotten.
while redis.call('ZCARD', lives) > workers_max do
    local gone, expiry = unpack(redis.call('ZRANGE', lives, 0, 0, 'WITHSCORES'))
    if tonumber(expiry) > time then
        break
    end
    redis.call('ZREM', lives, gone)
    redis.call('HDEL', workers, gone)
    redis.call('HDEL', shares, gone)
end
return {share, live, redis.call('HGET', state, 'phase')}
