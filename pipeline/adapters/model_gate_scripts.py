"""What Redis does at a model's gate, in Lua, so that it is one step for everybody. Redis' own clock counts."""

from __future__ import annotations

from pipeline.stages.backoff import OUTAGE_AFTER

_CONSTANTS = f"local OUTAGE_AFTER = {OUTAGE_AFTER}"

# KEYS: log, tokens by ticket, inside, pace, pause, failures.
# ARGV: ticket, tokens, requests and tokens a window, calls at once, window, burst, a ticket's life; in microseconds.
# Returns microseconds to wait (0: come in) and whether it is an outage.
ENTER = (
    _CONSTANTS
    + """
local log, sizes, inside, pace, pause, failures = unpack(KEYS)
local ticket, tokens, requests, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local most, window, burst, life = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local outage = tonumber(redis.call('GET', failures) or '0') >= OUTAGE_AFTER and 1 or 0
local paused = redis.call('PTTL', pause)
if paused > 0 then return {string.format('%.0f', paused * 1000), outage} end
redis.call('ZREMRANGEBYSCORE', inside, '-inf', now)
if redis.call('ZCARD', inside) >= (outage == 1 and 1 or most) then return {'50000', outage} end
local wait = 0
if requests > 0 or limit > 0 then
    tokens = limit > 0 and math.min(tokens, limit) or 0
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', log, '-inf', now - window)) do
        redis.call('HINCRBY', sizes, 'total', -tonumber(redis.call('HGET', sizes, old) or '0'))
        redis.call('HDEL', sizes, old)
        redis.call('ZREM', log, old)
    end
    if requests > 0 and redis.call('ZCARD', log) >= requests then
        wait = tonumber(redis.call('ZRANGE', log, 0, 0, 'WITHSCORES')[2]) + window - now
    end
    local over = limit > 0 and tonumber(redis.call('HGET', sizes, 'total') or '0') + tokens - limit or 0
    if over > 0 then
        local entries = redis.call('ZRANGE', log, 0, -1, 'WITHSCORES')
        for i = 1, #entries, 2 do
            over = over - tonumber(redis.call('HGET', sizes, entries[i]) or '0')
            if over <= 0 then
                wait = math.max(wait, tonumber(entries[i + 1]) + window - now)
                break
            end
        end
    end
    local tat = math.max(tonumber(redis.call('GET', pace) or '0'), now)
    wait = math.max(wait, tat - burst - now)
    if wait > 0 then return {string.format('%.0f', math.max(wait, 1000)), outage} end
    local share = math.max(requests > 0 and 1 / requests or 0, limit > 0 and tokens / limit or 0)
    local kept = string.format('%.0f', 2 * window / 1000)
    redis.call('SET', pace, string.format('%.0f', tat + share * window), 'PX', kept)
    redis.call('ZADD', log, now, ticket)
    redis.call('HSET', sizes, ticket, tokens)
    redis.call('HINCRBY', sizes, 'total', tokens)
    redis.call('PEXPIRE', log, kept)
    redis.call('PEXPIRE', sizes, kept)
end
redis.call('ZADD', inside, now + life, ticket)
redis.call('PEXPIRE', inside, 600000)
return {'0', outage}
"""
)

# KEYS: tokens by ticket, inside, pace, pause, failures.
# ARGV: ticket, tokens used or -1, result, milliseconds to pause, requests and tokens a window, window in microseconds.
# Returns the failures in a row, this one included.
LEAVE = (
    _CONSTANTS
    + """
local sizes, inside, pace, pause, failures = unpack(KEYS)
local used, outcome, wish = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local requests, limit, window = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
redis.call('ZREM', inside, ARGV[1])
local size = redis.call('HGET', sizes, ARGV[1])
if size and used >= 0 then
    redis.call('HSET', sizes, ARGV[1], used)
    redis.call('HINCRBY', sizes, 'total', used - tonumber(size))
    local tat = redis.call('GET', pace)
    if tat and limit > 0 then
        local least = requests > 0 and 1 / requests or 0
        local less = math.max(tonumber(size) / limit, least) - math.max(used / limit, least)
        redis.call('SET', pace, string.format('%.0f', tonumber(tat) - less * window), 'KEEPTTL')
    end
end
local paused = redis.call('PTTL', pause)
if outcome == 'worked' then redis.call('DEL', failures) end
if outcome == 'failed' and paused <= 0 then
    local number = redis.call('INCR', failures)
    redis.call('PEXPIRE', failures, 3600000)
    if number >= OUTAGE_AFTER then wish = math.max(wish, math.min(1000 * 2 ^ (number - OUTAGE_AFTER + 1), 60000)) end
end
if outcome == 'blocked' then redis.call('SET', failures, OUTAGE_AFTER, 'PX', 3600000) end
if wish > math.max(paused, 0) then redis.call('SET', pause, '1', 'PX', string.format('%.0f', wish)) end
return tonumber(redis.call('GET', failures) or '0')
"""
)
