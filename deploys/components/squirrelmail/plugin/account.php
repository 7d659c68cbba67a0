<?php
// The page on one's own account, in both lines of SquirrelMail: vacation notice and forwards by ManageSieve, password and
// app passwords by the account service. Neither knows the other's secrets, and nothing is kept here.

if (is_file(__DIR__ . '/../../include/init.php')) {  // 1.5.2
    require '../../include/init.php';
} else {
    define('SM_PATH', '../../');
    require_once SM_PATH . 'include/validate.php';
    require_once SM_PATH . 'functions/page_header.php';
}
require_once __DIR__ . '/service.php';
require_once __DIR__ . '/session.php';
require_once __DIR__ . '/managesieve.php';
require_once __DIR__ . '/rules.php';

/** What was typed into a field; '' for anything else than text. */
function posthaus_typed(string $field): string
{
    return is_string($_POST[$field] ?? null) ? $_POST[$field] : '';
}

function posthaus_html(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

/** Change one part of the script that answers and sends on. */
function posthaus_change_rules(string $person, callable $change): string
{
    $sieve = new PosthausManageSieve($person, sqauth_read_password());
    $rules = PosthausRules::read($sieve);
    if ($rules->foreign && posthaus_typed('replace') !== '1') {
        throw new PosthausSieveRefused(_("Another program has changed this since. Nothing was saved: tick the box that says so to replace it."));
    }
    $change($rules);
    $rules->write($sieve);
    return _("Saved: the mail server has it.");
}

function posthaus_save_vacation(string $person): string
{
    foreach (['from', 'to'] as $end) {
        $dates[$end] = posthaus_typed($end);
        $parts = explode('-', $dates[$end]);
        if ($dates[$end] !== '' && (!preg_match('/^\d{4}-\d\d-\d\d$/D', $dates[$end]) || !checkdate((int) $parts[1], (int) $parts[2], (int) $parts[0]))) {
            throw new PosthausSieveRefused(_("Please write dates as year, month and day, such as 2027-01-31."));
        }
    }
    if ($dates['from'] !== '' && $dates['to'] !== '' && $dates['from'] > $dates['to']) {
        throw new PosthausSieveRefused(_("The last day is before the first one."));
    }
    $on = posthaus_typed('on') === '1';
    if ($on && trim(posthaus_typed('text')) === '') {
        throw new PosthausSieveRefused(_("Please write what people shall read while you are away."));
    }
    return posthaus_change_rules($person, function (PosthausRules $rules) use ($on, $dates): void {
        $rules->vacation = ['on' => $on, 'subject' => trim(preg_replace('/\s+/', ' ', posthaus_typed('subject'))), 'text' => posthaus_typed('text')] + $dates;
    });
}

function posthaus_save_forward(string $person): string
{
    $addresses = array_values(array_unique(preg_split('/[\s,;]+/', posthaus_typed('to'), -1, PREG_SPLIT_NO_EMPTY)));
    foreach ($addresses as $address) {
        if (!preg_match('/^[^\s@"<>()]+@[^\s@"<>()]+\.[^\s@"<>()]+$/D', $address)) {
            throw new PosthausSieveRefused(sprintf(_("%s is no address."), $address));
        }
        if (strcasecmp($address, $person) === 0) {
            throw new PosthausSieveRefused(_("Your own address is where the mail comes from: name another one."));
        }
    }
    if (count($addresses) > 32) {
        throw new PosthausSieveRefused(_("At most 32 addresses, please."));
    }
    return posthaus_change_rules($person, function (PosthausRules $rules) use ($addresses): void {
        $rules->forward = ['on' => (bool) $addresses, 'to' => $addresses, 'keep' => posthaus_typed('keep') === '1'];
    });
}

function posthaus_change_password(string $person): string
{
    if (posthaus_typed('new') !== posthaus_typed('again')) {
        throw new PosthausRefused(_("The two new passwords differ: nothing was changed."));
    }
    $service = (new PosthausAccount())->logIn($person, posthaus_typed('current'));
    $service->said('newpass', posthaus_typed('new'));
    PosthausSession::changed($service, posthaus_typed('new'));  // else this session would be shut out
    return _("Your password is changed. Programs and phones that know the old one will ask for the new one.");
}

/** Make or revoke an app password, and list those there are. Gives what to say, the list, and a new secret. */
function posthaus_app_passwords(string $person): array
{
    $service = (new PosthausAccount())->logIn($person, posthaus_typed('current'));
    $secret = $text = '';
    if (posthaus_typed('drop') !== '') {
        $service->said('dropapp', posthaus_typed('drop'));
        $text = sprintf(_("%s can no longer log in."), posthaus_typed('drop'));
    } elseif (posthaus_typed('make') !== '') {
        $secret = $service->said('newapp', trim(posthaus_typed('label')));
        $text = _("Type this password into the program now. It is shown this once.");
    }
    return [$text, $service->apps(), $secret];
}

$posthaus_said = [];  // by part of the page: what went right or wrong
$posthaus_apps = null;
$posthaus_secret = '';
$posthaus_part = posthaus_typed('part');
if ($posthaus_part !== '') {
    sm_validate_security_token(posthaus_typed('smtoken'), -1, true);
    try {
        if ($posthaus_part === 'vacation') {
            $posthaus_said['vacation'] = ['right', posthaus_save_vacation($username)];
        } elseif ($posthaus_part === 'forward') {
            $posthaus_said['forward'] = ['right', posthaus_save_forward($username)];
        } elseif ($posthaus_part === 'password') {
            $posthaus_said['password'] = ['right', posthaus_change_password($username)];
        } elseif ($posthaus_part === 'apps') {
            [$text, $posthaus_apps, $posthaus_secret] = posthaus_app_passwords($username);
            $posthaus_said['apps'] = ['right', $text];
        }
    } catch (PosthausRefused | PosthausSieveRefused $refused) {
        $posthaus_said[$posthaus_part] = ['wrong', $refused->getMessage()];
    }
}
$posthaus_rules = null;
if ($posthaus_sieve) {
    try {
        $posthaus_rules = PosthausRules::read(new PosthausManageSieve($username, sqauth_read_password()));
    } catch (PosthausSieveRefused $refused) {
        $posthaus_said['vacation'] ??= ['wrong', $refused->getMessage()];
    }
}
$posthaus_passwords = PosthausAccount::runs();
displayPageHeader($color, isset($oTemplate) ? '' : 'None');
require __DIR__ . '/form.php';
if (isset($oTemplate)) {
    $oTemplate->display('footer.tpl');
} else {
    echo '</body></html>';
}
