<?php
// What one does with a message: answer it, send it on, delete it, move it.
extract($t);
$hook = $nav_on_top ? 'read_body_menu_buttons_top' : 'read_body_menu_buttons_bottom';
$key = fn (string $key): string => $key === 'NONE' ? '' : " accesskey=\"$key\"";
$compose = fn (string $name, string $text, string $access = 'NONE'): string =>
    "<input type=\"submit\" name=\"$name\" value=\"$text\" onclick=\"$button_onclick\"" . $key($access) . '>';
$token = '<input type="hidden" name="smtoken" value="' . sm_generate_security_token() . '">';
?>
<div class="readMenuBar actions">
<form name="composeForm" action="<?php echo $compose_href; ?>"<?php
echo empty($form_method) ? '' : " method=\"$form_method\"", empty($form_target) ? '' : " target=\"$form_target\"",
    empty($form_onsubmit) ? '' : " onsubmit=\"$form_onsubmit\"", ' ', $form_extra; ?>>
<?php
echo $compose('smaction_reply', _("Reply"), $accesskey_read_msg_reply),
    $compose('smaction_reply_all', _("Reply All"), $accesskey_read_msg_reply_all),
    $compose('smaction_forward', _("Forward"), $accesskey_read_msg_forward);
if ($forward_as_attachment_enabled) {
    echo '<label class="seldom"><input type="checkbox" name="smaction_attache"' . $key($accesskey_read_msg_as_attach) . '> ' . _("As Attachment") . '</label>';
}
if ($can_resume_draft) {
    echo $compose('smaction_draft', _("Resume Draft"));
} elseif ($can_edit_as_new) {
    echo $compose('smaction_edit_new', _("Edit Message as New"));
}
?>
</form>
<?php if ($can_be_deleted) { ?>
<form name="deleteMessageForm" action="<?php echo $move_delete_form_action; ?>" method="post">
<?php echo $token, $delete_form_extra; ?>
<input type="submit" name="delete" value="<?php echo _("Delete"); ?>"<?php echo $key($accesskey_read_msg_delete); ?>>
<label class="seldom"><input type="checkbox" name="bypass_trash"<?php echo $key($accesskey_read_msg_bypass_trash); ?>> <?php echo _("Bypass Trash"); ?></label>
</form>
<?php }
if ($can_be_moved) { ?>
<form name="moveMessageForm" class="move" action="<?php echo $move_delete_form_action; ?>" method="post">
<?php echo $token, $move_form_extra; ?>
<select name="targetMailbox" aria-label="<?php echo _("Move To"); ?>"<?php echo $key($accesskey_read_msg_move_to); ?>>
<?php foreach ($mailboxes as $value => $option) {
    echo "<option value=\"$value\"", $value == $last_move_target ? ' selected' : '', ">$option</option>\n";
} ?>
</select>
<input type="submit" name="moveButton" value="<?php echo _("Move"); ?>"<?php echo $key($accesskey_read_msg_move); ?>>
<?php if ($can_be_copied) { ?>
<input type="submit" name="copyButton" value="<?php echo _("Copy"); ?>"<?php echo $key($accesskey_read_msg_copy); ?>>
<?php } ?>
</form>
<?php }
echo $plugin_output[$hook] ?? '';
?>
</div>
