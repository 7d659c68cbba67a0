-- Written by Posthaus. Who has logged in may write a From only of addresses that are theirs: Postfix looks at the
-- envelope alone (reject_sender_login_mismatch), people look at this header.
-- The rows lie in a file of their own, one an address: LuaJIT takes no more than 65,536 constants in one chunk.
local owners = {}
for row in io.lines(rspamd_paths['LOCAL_CONFDIR'] .. '/posthaus/owners') do
  local address, logins = row:match('^(%S+) (.+)$')
  owners[address] = ' ' .. logins .. ' '
end

local function may_write_as(login, address)
  local logins = owners[address] or owners[address:match('@.*$') or ''] or ''
  return logins:find(' ' .. login .. ' ', 1, true) ~= nil
end

-- What is wrong with the letter's From; nil if nothing is. Two headers, or one that cannot be read, would be shown as
-- each mail program likes (RFC 5322, section 3.6: exactly one).
local function fault(task, login)
  local headers, from = task:get_header_full('From') or {}, task:get_from('mime') or {}
  if #headers ~= 1 or #from == 0 then return 'a letter has one From that names its author' end
  for _, one in ipairs(from) do
    local address = (one.addr or ''):lower():gsub('%+[^@]*@', '@')
    if not may_write_as(login, address) then return 'From is not an address of the person who logged in' end
  end
end

rspamd_config:register_symbol({
  name = 'POSTHAUS_FROM_OF_ANOTHER',
  type = 'prefilter',
  priority = 10,
  callback = function(task)
    local login = task:get_user()
    if not login then return end
    -- Nobody writes a verdict in our name, either; the words on its way out would be believed.
    task:set_milter_reply({ remove_headers = { ['Authentication-Results'] = 0 } })
    local wrong = fault(task, login:lower())
    if wrong then
      task:insert_result('POSTHAUS_FROM_OF_ANOTHER', 1.0)
      task:set_pre_result('reject', wrong)
    end
  end
})

-- What somebody's own Sieve rule sends on comes from this very host, as if it had been written here. But it carries our
-- verdict, which only what came from outside has, or our signature already.
rspamd_config:add_condition('DKIM_SIGNED', function(task)
  return task:get_user() ~= nil
    or (task:get_header('Authentication-Results') == nil and task:get_header('DKIM-Signature') == nil)
end)
