-- Written by Posthaus. Who has logged in may write a From only of addresses that are theirs: Postfix looks at the
-- envelope alone (reject_sender_login_mismatch), people look at this header.
-- The rows lie in a file of their own, one an address: LuaJIT takes no more than 65,536 constants in one chunk.
local util = require 'rspamd_util'
local owners, ours = {}, {}
for row in io.lines(rspamd_paths['LOCAL_CONFDIR'] .. '/posthaus/owners') do
  local address, logins = row:match('^(%S+) (.+)$')
  owners[address] = ' ' .. logins .. ' '
  ours[address:match('@(.*)$')] = true
end

local function may_write_as(login, address)
  local logins = owners[address] or owners[address:match('@.*$') or ''] or ''
  return logins:find(' ' .. login .. ' ', 1, true) ~= nil
end

local function untagged(address)
  return ((address or ''):lower():gsub('%+[^@]*@', '@'))
end

-- What is wrong with the message's From; nil if nothing is. Two headers, or one that cannot be read, would be shown as
-- each mail program likes (RFC 5322, section 3.6: exactly one).
local function fault(task, login)
  local headers, from = task:get_header_full('From') or {}, task:get_from('mime') or {}
  if #headers ~= 1 or #from == 0 then return 'a message has one From that names its author' end
  for _, one in ipairs(from) do
    if not may_write_as(login, untagged(one.addr)) then
      return 'From is not an address of the person who logged in'
    end
  end
  -- Mail programs show these, too: "sent by", "on behalf of".
  for _, name in ipairs({ 'Sender', 'Resent-From', 'Resent-Sender' }) do
    for _, header in ipairs(task:get_header_full(name) or {}) do
      local named = util.parse_mail_address(header.decoded or '', task:get_mempool()) or {}
      if #named == 0 then return name .. ' names nobody' end
      for _, one in ipairs(named) do
        if not may_write_as(login, untagged(one.addr)) then
          return name .. ' is not an address of the person who logged in'
        end
      end
    end
  end
end

-- What a person's Sieve script sends comes in by an smtpd of its own: 'redirect', 'reject' or 'written' (vacation,
-- notify). nil: a person's own program sent it. Pigeonhole's lines come first, before anything that a script can say.
local function of_script(task)
  if task:get_mempool():get_variable('MTA-Name') ~= 'SIEVE' then return nil end
  local headers = tostring(task:get_raw_headers())
  if headers:match('^X%-Sieve: [^\r\n]*\r?\nX%-Sieve%-Redirected%-From:') then return 'redirect' end
  local kind = headers:match('\nAuto%-Submitted: ([^\r\n]*)')
  return kind == 'auto-replied (rejected)' and 'reject' or 'written'
end

-- Redirected, a message leaves with an envelope of ours. One with a From of ours, too, would then pass for ours (DMARC),
-- so it has to be: our own people's carry no verdict of ours, others carry a good one.
local function fault_of_redirect(task, login)
  local to_oneself = true
  for _, one in ipairs(task:get_recipients('smtp') or {}) do
    to_oneself = to_oneself and may_write_as(login, untagged(one.addr))
  end
  local verdict = task:get_header('Authentication-Results')
  if to_oneself or not verdict then return nil end
  if #(task:get_header_full('From') or {}) ~= 1 then return 'a message has one From that names its author' end
  for _, one in ipairs(task:get_from('mime') or {}) do
    local address, domain = untagged(one.addr), (one.domain or ''):lower()
    local good = verdict:find('dmarc=pass', 1, true) or verdict:find('dkim=pass header.d=' .. domain .. ' ', 1, true)
    if ours[domain] and not good and not may_write_as(login, address) then
      return 'From claims to be of ' .. domain .. ', and no signature proves it'
    end
  end
end

local function fault_of_script(task, login, kind)
  if kind == 'redirect' then return fault_of_redirect(task, login) end
  local from = task:get_from('mime') or {}
  -- A refusal (RFC 5429) is the mail system's word; the script says the reason in its body, and nothing else.
  local alone = #from == 1 and #(task:get_header_full('From') or {}) == 1
  if kind == 'reject' and alone and untagged(from[1].addr):match('^postmaster@') then return nil end
  return fault(task, login)
end

rspamd_config:register_symbol({
  name = 'POSTHAUS_FROM_OF_ANOTHER',
  type = 'prefilter',
  priority = 10,
  callback = function(task)
    local login = task:get_user()
    if not login then return end
    local kind = of_script(task)
    if kind ~= 'redirect' then
      -- Nobody writes a verdict in our name, either; the words on its way out would be believed.
      task:set_milter_reply({ remove_headers = { ['Authentication-Results'] = 0 } })
    end
    local wrong
    if kind then
      wrong = fault_of_script(task, login:lower(), kind)
    else
      wrong = fault(task, login:lower())
    end
    if wrong then
      task:insert_result('POSTHAUS_FROM_OF_ANOTHER', 1.0)
      task:set_pre_result('reject', wrong)
    end
  end
})

-- A program of this host that has not logged in writes in the host's name. In a domain's it does as far as its envelope
-- sender is of that domain: Postfix lets root alone choose that (local_login_sender_maps), root writes as anybody.
local function may_sign_for_host(task)
  local client = tostring(task:get_from_ip() or '')
  local passing = task:get_mempool():get_variable('MTA-Name') == 'ORIGINATING' -- what a person has submitted
  if passing or (client ~= '127.0.0.1' and client ~= '::1') then return true end
  local from, sender = (task:get_from('mime') or {})[1] or {}, (task:get_from('smtp') or {})[1] or {}
  local domain = (from.domain or ''):lower()
  return not ours[domain] or sender.user == 'root' or (sender.domain or ''):lower() == domain
end

-- Never what came from outside, though a script sends it on in its person's name, or a program of the host does: such a
-- message carries our verdict, or a signature already.
rspamd_config:add_condition('DKIM_SIGNED', function(task)
  if task:get_user() then return of_script(task) ~= 'redirect' end
  local unmarked = task:get_header('Authentication-Results') == nil and task:get_header('DKIM-Signature') == nil
  return unmarked and may_sign_for_host(task)
end)

-- Our own domains' mail waits rather than leaves without a signature: receivers believe our DMARC record (RFC 7489), and
-- a key that is gone may come back.
rspamd_config:register_symbol({
  name = 'POSTHAUS_UNSIGNED',
  type = 'postfilter',
  priority = 1,
  callback = function(task)
    if not task:get_user() or of_script(task) == 'redirect' or task:has_symbol('POSTHAUS_FROM_OF_ANOTHER') then return end
    local from = task:get_from('mime') or {}
    if from[1] and ours[(from[1].domain or ''):lower()] and not task:has_symbol('DKIM_SIGNED') then
      task:insert_result('POSTHAUS_UNSIGNED', 1.0)
      task:set_pre_result('soft reject', 'No key signs for ' .. from[1].domain .. '; the administrator has to look')
    end
  end
})

dofile(rspamd_paths['LOCAL_CONFDIR'] .. '/posthaus/senders.lua')
