<?php
// What the page on one's own account shows. Read by account.php alone.

/** The head of one part's form: what was said about it, and what tells SquirrelMail that the form is its own. */
function posthaus_open(string $part, array $said): void
{
    [$kind, $text] = $said[$part] ?? ['', ''];
    if ($text !== '') {
        echo "<p class=\"$kind\" role=\"", $kind === 'wrong' ? 'alert' : 'status', '">', nl2br(posthaus_html($text)), '</p>';
    }
    echo '<form method="post" action="account.php"><input type="hidden" name="part" value="', $part, '">'
        . '<input type="hidden" name="smtoken" value="', sm_generate_security_token(), '">';
}

/** What was refused is still in its field: nobody types it twice. */
function posthaus_again(array $said, string $part, string $field, string $now): string
{
    return posthaus_html(($said[$part][0] ?? '') === 'wrong' ? posthaus_typed($field) : $now);
}

/** Where another program has changed our script. */
function posthaus_replace(PosthausRules $rules): void
{
    if ($rules->foreign) {
        echo '<p><label><input type="checkbox" name="replace" value="1"> ',
            _("Another program has changed these settings since. Replace what it wrote."), '</label></p>';
    }
}
?>
<div class="account">
<?php if (isset($posthaus_said['vacation']) && !$posthaus_rules) { ?>
<p class="wrong" role="alert"><?php echo posthaus_html($posthaus_said['vacation'][1]); ?></p>
<?php } elseif ($posthaus_rules) {
    $vacation = $posthaus_rules->vacation;
    $forward = $posthaus_rules->forward; ?>
<section class="card" id="vacation">
<h2><?php echo _("While you are away"); ?></h2>
<p class="about"><?php echo _("Everybody who writes to you gets this answer, once a day at most."); ?></p>
<?php posthaus_open('vacation', $posthaus_said); ?>
<p><label><input type="checkbox" name="on" value="1"<?php if ($vacation['on'] || posthaus_typed('part') === 'vacation' && posthaus_typed('on')) echo ' checked'; ?>> <?php echo _("Answer for me"); ?></label></p>
<div class="pair">
<label class="field"><span><?php echo _("First day (empty: at once)"); ?></span><input type="date" name="from" value="<?php echo posthaus_again($posthaus_said, 'vacation', 'from', $vacation['from']); ?>"></label>
<label class="field"><span><?php echo _("Last day (empty: until you switch it off)"); ?></span><input type="date" name="to" value="<?php echo posthaus_again($posthaus_said, 'vacation', 'to', $vacation['to']); ?>"></label>
</div>
<label class="field"><span><?php echo _("Subject (empty: that of the message)"); ?></span><input type="text" name="subject" maxlength="200" value="<?php echo posthaus_again($posthaus_said, 'vacation', 'subject', $vacation['subject']); ?>"></label>
<label class="field"><span><?php echo _("Text"); ?></span><textarea name="text" rows="6" maxlength="10000"><?php echo posthaus_again($posthaus_said, 'vacation', 'text', $vacation['text']); ?></textarea></label>
<?php posthaus_replace($posthaus_rules); ?>
<input type="submit" class="primary" name="save" value="<?php echo _("Save"); ?>">
</form>
</section>
<section class="card" id="forward">
<h2><?php echo _("Send mail on"); ?></h2>
<p class="about"><?php echo _("Whatever comes for you goes to these addresses too. Leave the field empty to stop it."); ?></p>
<?php posthaus_open('forward', $posthaus_said); ?>
<label class="field"><span><?php echo _("Addresses, one a line"); ?></span><textarea name="to" rows="3"><?php echo posthaus_again($posthaus_said, 'forward', 'to', implode("\n", $forward['to'])); ?></textarea></label>
<p><label><input type="checkbox" name="keep" value="1"<?php if ($forward['keep']) echo ' checked'; ?>> <?php echo _("Keep a copy here"); ?></label></p>
<?php posthaus_replace($posthaus_rules); ?>
<input type="submit" class="primary" name="save" value="<?php echo _("Save"); ?>">
<?php if ($posthaus_rules->includes) { ?>
<p class="about"><?php echo posthaus_html(sprintf(_("The rules of other programs (%s) go on working."), implode(', ', $posthaus_rules->includes))); ?></p>
<?php } ?>
</form>
</section>
<?php }
if ($posthaus_passwords) { ?>
<section class="card" id="password">
<h2><?php echo _("Your password"); ?></h2>
<?php posthaus_open('password', $posthaus_said); ?>
<input type="hidden" name="username" autocomplete="username" value="<?php echo posthaus_html($username); ?>">
<label class="field"><span><?php echo _("Current password"); ?></span><input type="password" name="current" autocomplete="current-password" required></label>
<label class="field"><span><?php echo _("New password"); ?></span><input type="password" name="new" autocomplete="new-password" required></label>
<label class="field"><span><?php echo _("New password, once more"); ?></span><input type="password" name="again" autocomplete="new-password" required></label>
<input type="submit" class="primary" name="save" value="<?php echo _("Change password"); ?>">
</form>
</section>
<section class="card" id="apps">
<h2><?php echo _("Passwords for programs and phones"); ?></h2>
<p class="about"><?php echo _("Each program gets a password of its own, which cannot change yours. Lose a phone, and you revoke its password alone."); ?></p>
<?php posthaus_open('apps', $posthaus_said);
    if ($posthaus_secret !== '') { ?>
<p><code class="secret"><?php echo posthaus_html($posthaus_secret); ?></code></p>
<?php } ?>
<label class="field"><span><?php echo _("Current password"); ?></span><input type="password" name="current" autocomplete="current-password" required></label>
<?php if ($posthaus_apps === null) { ?>
<input type="submit" name="list" value="<?php echo _("Show them"); ?>">
<?php } elseif (!$posthaus_apps) { ?>
<p><?php echo _("There is none yet."); ?></p>
<?php } else { ?>
<ul>
<?php foreach ($posthaus_apps as [$since, $label]) { ?>
<li><span><?php echo posthaus_html($label); ?> <small><?php echo posthaus_html($since); ?></small></span><button name="drop" value="<?php echo posthaus_html($label); ?>"><?php echo _("Revoke"); ?></button></li>
<?php } ?>
</ul>
<?php } ?>
<label class="field"><span><?php echo _("Name of a new one, such as Phone"); ?></span><input type="text" name="label" maxlength="40"></label>
<input type="submit" class="primary" name="make" value="<?php echo _("Make a password"); ?>">
</form>
</section>
<?php } ?>
</div>
