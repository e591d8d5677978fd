"""The Lua scripts that run in the server, each as a whole: nothing else runs in between (Redis documentation,
"Scripting with Lua"). They use the server's clock (TIME), which scripts may write after from Redis 5 on.

Keys, below the prefix: `writers` (gateway → last sign of it, in ms, and the number of its message), `epoch` (a random
name, when it was made, and by which run of the server: another run may have lost what was written last, and by a clock
that was set back it is made just now), `based` (ledger and rule whose earlier counts are known), `tight` (counter →
when somebody had to wait for what others hold),
`marks` (gateway → how far its journal was when it last told what it spent), `index` (all counters), `of GATEWAY` (the
budgets it has told of), `c COUNTER` (gateway → what it holds, and what it took).
"""

from typing import Final

__all__ = ["BASE", "SETTLE", "SYNC"]

SYNC: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local writer, seq, ttl, mark = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[5]
local function whole(x) return string.format('%.0f', x) end

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local epoch = redis.call('GET', KEYS[2])
if not epoch or string.match(epoch, ':(%w+)$') ~= run then
  epoch = ARGV[4] .. ':' .. whole(now) .. ':' .. run
  redis.call('SET', KEYS[2], epoch)
  redis.call('DEL', KEYS[3])
end
local born = tonumber(string.match(epoch, ':(%d+):'))
if born > now then
  epoch = string.match(epoch, '^[^:]*') .. ':' .. whole(now) .. ':' .. run
  redis.call('SET', KEYS[2], epoch)
  born = now
end
local age = now - born

local heard, live, ledgers = {}, 1, {}
local writers = redis.call('HGETALL', KEYS[1])
for i = 1, #writers, 2 do
  local name = writers[i]
  local ms, last = string.match(writers[i + 1], '^(%d+):(%d+)$')
  if name == writer then
    if tonumber(last) >= seq then return redis.error_reply('STALE an older message came after a newer one') end
  else
    if tonumber(ms) > now then
      ms = whole(now)
      redis.call('HSET', KEYS[1], name, ms .. ':' .. last)
    end
    heard[name] = tonumber(ms)
    if now - ms <= ttl then
      live = live + 1
      ledgers[string.match(name, '^[^/]*')] = true
    elseif now - ms > 172800000 then
      redis.call('HDEL', KEYS[1], name)
    end
  end
end
ledgers[string.match(writer, '^[^/]*')] = true
redis.call('HSET', KEYS[1], writer, whole(now) .. ':' .. whole(seq))
if mark ~= '' then redis.call('HSET', KEYS[5], writer, mark) end

local tight, waited = {}, {}
local awaited = redis.call('HGETALL', KEYS[4])
for i = 1, #awaited, 2 do
  local since = now - awaited[i + 1]
  if since < 0 or since > 2000 then
    redis.call('HDEL', KEYS[4], awaited[i])
  else
    tight[awaited[i]] = true
    waited[#waited + 1] = awaited[i]
  end
end

local function known(rule)
  if age < ttl then return false end
  if rule == '' then return true end
  if redis.call('HEXISTS', KEYS[3], string.match(writer, '^[^/]*') .. ' ' .. rule) == 0 then return false end
  if age > 60000 then return true end
  for ledger in pairs(ledgers) do
    if redis.call('HEXISTS', KEYS[3], ledger .. ' ' .. rule) == 0 then return false end
  end
  return true
end

local function counted(taken, first, slots)
  local sum = 0
  for slot, amount in string.gmatch(taken, '(%d+):(-?%d+)') do
    slot, amount = tonumber(slot), tonumber(amount)
    if slot >= first then
      sum = sum + amount
      slots[slot] = (slots[slot] or 0) + amount
    end
  end
  return sum
end

local function wait_and_empty(slots, width, lacking)
  local order = {}
  for slot in pairs(slots) do order[#order + 1] = slot end
  table.sort(order)
  local wait, freed = 0, 0
  for _, slot in ipairs(order) do
    freed = freed + slots[slot]
    wait = (slot + 61) * width - now
    if freed >= lacking then break end
  end
  local empty = #order > 0 and (order[#order] + 61) * width - now or 0
  return math.max(0, math.ceil(wait)), math.max(0, math.ceil(empty))
end

local answers = {}
for c = 0, (#ARGV - 5) / 11 - 1 do
  local key, a = KEYS[8 + c], 5 + c * 11
  local name, rule, kind = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
  local limit, length, ends = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]), tonumber(ARGV[a + 6])
  local taken, held = ARGV[a + 7], tonumber(ARGV[a + 8])
  local need, least, want = tonumber(ARGV[a + 9]), tonumber(ARGV[a + 10]), tonumber(ARGV[a + 11])
  local others, reserved, lent, own, slots = 0, 0, 0, 0, {}
  local width = length / 60
  local first = kind == 'window' and math.floor(now / width) - 60 or 0

  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local other, value = fields[i], fields[i + 1]
    if other ~= writer then
      local theirs, took = string.match(value, '^(%d+) ?(.*)$')
      theirs = tonumber(theirs)
      local silent = heard[other] and now - heard[other] or math.huge
      if kind == 'window' then
        local sum = counted(took, first, slots)
        others = others + sum
        if silent <= ttl then
          lent = lent + theirs
        elseif silent <= ttl + length + width then
          others = others + theirs
        elseif sum == 0 then
          redis.call('HDEL', key, other)
        end
      elseif kind == 'gate' then
        if silent <= ttl then
          lent = lent + theirs
          others = others + (tonumber(took) or 0)
        else
          redis.call('HDEL', key, other)
        end
      else
        local spent, may = string.match(took, '^(%d+):(%d+)$')
        others = others + (tonumber(spent) or 0)
        reserved = reserved + (tonumber(may) or 0)
        if silent <= ttl then lent = lent + theirs else reserved = reserved + theirs end
      end
    end
  end
  if kind == 'window' then
    own = counted(taken, first, slots)
  elseif kind == 'gate' then
    own = tonumber(taken) or 0
  else
    local spent, may = string.match(taken, '^(%d+):(%d+)$')
    own = (tonumber(spent) or 0) + (tonumber(may) or 0)
  end

  local room = limit - others - reserved - lent - own - held
  local status, granted, wait, empty = 0, 0, 0, 0
  if need + want > 0 then
    local fair = math.max(0, math.floor(room / (2 * live)))
    if not known(rule) then
      status = 1
    elseif need == 0 then
      granted = tight[name] and 0 or math.min(want, fair)
    elseif room >= least then
      granted = math.min(room, math.max(need, tight[name] and 0 or math.min(need + want, fair)))
    elseif room + lent >= least then
      status = 3
      redis.call('HSET', KEYS[4], name, whole(now))
    else
      status = 2
    end
  end
  if kind == 'window' then wait, empty = wait_and_empty(slots, width, least - room) end

  if held + granted == 0 and (taken == '' or (kind == 'gate' and own == 0)) then
    redis.call('HDEL', key, writer)
  else
    redis.call('HSET', key, writer, whole(held + granted) .. ' ' .. taken)
    redis.call('SADD', KEYS[6], name)
    if kind == 'window' then
      redis.call('PEXPIRE', key, whole(2 * length + 2 * ttl + 60000))
    elseif kind == 'gate' then
      redis.call('PEXPIRE', key, '86400000')
    else
      redis.call('SADD', KEYS[7], name)
      if ends > 0 then redis.call('PEXPIREAT', key, whole(ends + 86400000)) end
    end
  end
  answers[#answers + 1] = {status, granted, others, reserved, wait, empty}
end
return {epoch, whole(now), live, waited, answers}
"""

BASE: Final = """
local epoch, ledger, rules = ARGV[1], ARGV[2], tonumber(ARGV[3])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('GET', KEYS[1]) ~= epoch or string.match(epoch, ':(%w+)$') ~= run then return 0 end
local new = {}
for r = 4, 3 + rules do
  if redis.call('HSETNX', KEYS[2], ledger .. ' ' .. ARGV[r], '1') == 1 then new[ARGV[r]] = true end
end
for c = 0, #KEYS - 4 do
  local key, a = KEYS[4 + c], 3 + rules + c * 4
  local rule, name, taken, keep = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4]
  if new[rule] then
    if taken == '' then
      redis.call('HDEL', key, 'base ' .. ledger)
    else
      redis.call('HSET', key, 'base ' .. ledger, '0 ' .. taken)
      redis.call('SADD', KEYS[3], name)
      if keep ~= '0' then redis.call('PEXPIRE', key, keep) end
    end
  end
end
return 1
"""

SETTLE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local gone, ttl = ARGV[1], tonumber(ARGV[2])
local last = redis.call('HGET', KEYS[1], gone)
if last and now - string.match(last, '^(%d+)') <= ttl then return 0 end
if redis.call('HDEL', KEYS[2], gone) == 0 then return 0 end
for c = 4, #KEYS do
  local value = redis.call('HGET', KEYS[c], gone)
  local spent = value and string.match(value, '^%d+ (%d+):%d+$')
  if spent then
    redis.call('HSET', KEYS[c], gone, '0 ' .. string.format('%.0f', spent + ARGV[c - 1]) .. ':0')
  end
end
redis.call('DEL', KEYS[3])
return 1
"""
