-- Written by Posthaus. Senders that mail.yaml names: filter.block is refused, filter.allow is never Junk.
-- The rows lie in a file of their own: block or allow, then an address, a domain (with all below it) or a network.
local util = require 'rspamd_util'
local maps = require 'lua_maps'
local function list()
  return { names = {}, networks = {} }
end
local lists = { block = list(), allow = list() }
for row in io.lines(rspamd_paths['LOCAL_CONFDIR'] .. '/posthaus/senders') do
  local which, what = row:match('^(%S+) (%S+)$')
  local one = lists[which]
  if what:find('/', 1, true) then
    table.insert(one.networks, what)
  else
    one.names[what] = true
  end
end
for which, one in pairs(lists) do
  if #one.networks > 0 then
    one.map = maps.map_add_from_ucl(one.networks, 'radix', 'filter.' .. which)
  end
end

-- The entry that an address falls under: itself, its domain, or a domain above that; nil: none.
local function entry(one, address)
  local name = (address or ''):lower():gsub('%+[^@]*@', '@')
  if one.names[name] then return name end
  local domain = name:match('@([^@]+)$')
  while domain do
    if one.names[domain] then return domain end
    domain = domain:match('^[^.]+%.(.+)$')
  end
end

local function of_network(one, task)
  local ip = task:get_from_ip()
  return one.map and ip and ip:is_valid() and one.map:get_key(ip) and tostring(ip) or nil
end

-- By envelope or From, whichever: whoever is blocked need not have told the truth in both.
local function blocked(task)
  local one = lists.block
  local found = of_network(one, task)
  for _, kind in ipairs({ 'smtp', 'mime' }) do
    for _, from in ipairs(task:get_from(kind) or {}) do
      found = found or entry(one, from.addr)
    end
  end
  return found
end

-- The same organization's: one below the other, or both below one that somebody registered. (Of a name in no public list
-- get_tld knows nothing.)
local function aligned(one, other)
  local a, b = '.' .. (one or ''):lower(), '.' .. (other or ''):lower()
  if a == '.' or b == '.' then return false end
  return a:sub(-#b) == b or b:sub(-#a) == a or util.get_tld(a:sub(2)) == util.get_tld(b:sub(2))
end

local function options_of(task, name)
  local symbol = (task:get_symbol(name) or {})[1] or {}
  return symbol.options or {}
end

-- Whether the domain in From stands behind the message (RFC 7489, section 3.1, relaxed; its policy need not be
-- published): by DMARC, by a DKIM signature of its own, or by SPF for an envelope sender of its own.
local function proven(task, domain)
  if task:has_symbol('DMARC_POLICY_ALLOW') then return true end
  for _, option in ipairs(options_of(task, 'R_DKIM_ALLOW')) do
    if aligned(option:match('^[^:]+'), domain) then return true end
  end
  local envelope = (task:get_from('smtp') or {})[1] or {}
  return task:has_symbol('R_SPF_ALLOW') and aligned(envelope.domain, domain)
end

-- By the one From that people see, if its domain proves it; or by whoever holds the network at the other end.
local function allowed(task)
  local one = lists.allow
  local network = of_network(one, task)
  if network then return network end
  local from = task:get_from('mime') or {}
  if #from ~= 1 or #(task:get_header_full('From') or {}) ~= 1 then return nil end
  local found = entry(one, from[1].addr)
  return found and proven(task, from[1].domain) and found or nil
end

if next(lists.block.names) or lists.block.map then
  rspamd_config:register_symbol({
    name = 'POSTHAUS_BLOCKED',
    type = 'prefilter',
    priority = 9,
    callback = function(task)
      local found = not task:get_user() and blocked(task)
      if found then
        task:insert_result('POSTHAUS_BLOCKED', 1.0, found)
        task:set_pre_result('reject', 'Messages from ' .. found .. ' are not taken here')
      end
    end
  })
end

-- As many points as all others have given, taken away again: none is left that could make it Junk. A virus, and a domain
-- that asks to refuse what it has not sent, are no points.
if next(lists.allow.names) or lists.allow.map then
  rspamd_config:register_symbol({
    name = 'POSTHAUS_ALLOWED',
    type = 'postfilter',
    priority = 2,
    score = -1.0,
    callback = function(task)
      local found = not task:get_user() and allowed(task)
      if not found then return end
      local points = (task:get_metric_score('default') or {})[1] or 0
      task:insert_result('POSTHAUS_ALLOWED', math.max(points, 0), found)
    end
  })
end
