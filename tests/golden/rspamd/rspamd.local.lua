-- Written by Posthaus. Who has logged in may write a From only of addresses that are theirs: Postfix looks at the
-- envelope alone (reject_sender_login_mismatch), people look at this header.
local owners = {
  ["@example.net"] = { ["ana@example.net"] = true, },
  ["abuse@example.com"] = { ["tito@example.com"] = true, },
  ["abuse@example.net"] = { ["tito@example.com"] = true, },
  ["ana@example.net"] = { ["ana@example.net"] = true, },
  ["help@example.com"] = { ["iqbal@example.com"] = true, },
  ["iqbal@example.com"] = { ["iqbal@example.com"] = true, },
  ["posthaus-probe@example.com"] = { ["posthaus-probe@example.com"] = true, },
  ["postmaster@example.com"] = { ["tito@example.com"] = true, },
  ["postmaster@example.net"] = { ["tito@example.com"] = true, },
  ["sales@example.com"] = { ["iqbal@example.com"] = true, ["tito@example.com"] = true, },
  ["shop@example.com"] = { ["iqbal@example.com"] = true, ["tito@example.com"] = true, },
  ["tito@example.com"] = { ["tito@example.com"] = true, },
}

local function may_write_as(login, address)
  local of_address, of_domain = owners[address], owners[address:match('@.*$') or '']
  if of_address then return of_address[login] end
  return of_domain and of_domain[login]
end

rspamd_config:register_symbol({
  name = 'POSTHAUS_FROM_OF_ANOTHER',
  type = 'prefilter',
  priority = 10,
  callback = function(task)
    local login, from = task:get_user(), task:get_from('mime')
    if not login then return end
    for _, one in ipairs(from or {}) do
      local address = (one.addr or ''):lower():gsub('%+[^@]*@', '@')
      if not may_write_as(login:lower(), address) then
        task:insert_result('POSTHAUS_FROM_OF_ANOTHER', 1.0, address)
        task:set_pre_result('reject', 'The header From is not an address of the person who logged in')
        return
      end
    end
  end
})
