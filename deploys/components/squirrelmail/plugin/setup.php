<?php
// Added by Posthaus to both lines of SquirrelMail: messages that its own pages do not bear, what people get who have
// chosen nothing yet, and the way to the page on one's own account.

// What SquirrelMail looks through takes twice as long with every multipart within a multipart. Eight are more than any
// program writes; what lies deeper is not shown, but is in the message's file, which can be downloaded.
const POSTHAUS_DEPTH = 8;

const POSTHAUS_NAMES = '/etc/squirrelmail/names.php';

// What a person has until they choose otherwise; 1.4.23 knows the first two alone.
const POSTHAUS_CHOICES = ['show_num' => 50, 'hour_format' => 1, 'abook_show_num' => 50, 'truncate_subject' => 200, 'location_of_buttons' => 'bottom', 'editor_height' => 14];

/** SquirrelMail 1.4.23 asks each plugin what it takes part in; 1.5.2 reads config/plugin_hooks.php instead. */
function squirrelmail_plugin_init_posthaus()
{
    global $squirrelmail_plugin_hooks;
    $hooks = ['read_body_top', 'read_body_bottom', 'message_body', 'get_pref', 'optpage_register_block', 'read_body_header'];
    foreach ([...$hooks, 'login_verified', 'generic_header', 'logout'] as $hook) {
        $squirrelmail_plugin_hooks[$hook]['posthaus'] = "posthaus_$hook";
    }
}

/** Somebody has logged in: from now on a secret of this session alone is kept in the password's place. */
function posthaus_login_verified()
{
    global $username, $secretkey;
    require_once __DIR__ . '/session.php';
    PosthausSession::begin((string) $username, (string) $secretkey);
}

/** A page is made: the session goes on. */
function posthaus_generic_header()
{
    if (isset($_SESSION['posthaus_session'])) {
        require_once __DIR__ . '/session.php';
        PosthausSession::goOn();
    }
}

/** Whoever has the secret yet can do nothing with it. */
function posthaus_logout()
{
    if (isset($_SESSION['posthaus_session'])) {
        require_once __DIR__ . '/session.php';
        PosthausSession::end();
    }
}

/** What somebody has not chosen yet: the name that the administrator gave the mailbox is their full name till then. */
function posthaus_get_pref($asked)
{
    [$person, $what] = $asked;
    if ($what !== 'full_name' || !is_readable(POSTHAUS_NAMES)) {
        return POSTHAUS_CHOICES[$what] ?? null;
    }
    return (include POSTHAUS_NAMES)[strtolower((string) $person)] ?? null;
}

/** The way to the page on one's own account, among the options. */
function posthaus_optpage_register_block()
{
    global $optpage_blocks;
    array_unshift($optpage_blocks, [
        'name' => _("Your account"),
        'url' => '../plugins/posthaus/account.php',
        'desc' => _("Answer while you are away, send your mail on, change your password, and give programs passwords of their own."),
        'js' => false,
    ]);
}

/** The way out of a mailing list (RFC 2369), beside the other headers; only by https or by a message that one sends. */
function posthaus_unsubscribe()
{
    global $message;
    $ways = is_object($message) ? $message->rfc822_header->mlist['unsubscribe'] ?? [] : [];
    if (preg_match('~^https://[^\s"\'<>]+$~D', $ways['href'] ?? '')) {
        $link = '<a target="_blank" rel="noopener noreferrer" href="' . htmlspecialchars($ways['href']) . '">';
    } elseif (preg_match('~^([^\s"\'<>?@]+@[^\s"\'<>?@]+)(?:\?subject=([^&]*))?~i', $ways['mailto'] ?? '', $found)) {
        $link = '<a href="compose.php?send_to=' . urlencode($found[1]) . '&amp;subject=' . urlencode(urldecode($found[2] ?? 'unsubscribe')) . '">';
    } else {
        return '';
    }
    return '<tr class="field_List"><td class="fieldName">' . _("List") . ':</td><td class="fieldValue">' . $link . _("Unsubscribe") . '</a></td></tr>';
}

/** Where 1.5.2 shows it. */
function posthaus_template_construct_read_headers()
{
    return ['read_body_header' => posthaus_unsubscribe()];
}

/** Where 1.4.23 does. */
function posthaus_read_body_header()
{
    echo posthaus_unsubscribe();
}

/** The message is known, and nothing has been looked for in it yet. */
function posthaus_read_body_top()
{
    global $message, $posthaus_too_deep;
    $posthaus_too_deep = is_object($message) && posthaus_cut($message);
}

function posthaus_read_body_bottom()
{
    global $posthaus_too_deep;
    if (!empty($posthaus_too_deep)) {
        echo '<p>This message is nested too deep to be shown whole. Download it as a file to see the rest.</p>';
    }
}

/** Cut what is nested too deep, and tell whether anything is. A message within a message counts anew. */
function posthaus_cut($part, $depth = 0)
{
    if ($part->type0 !== 'multipart') {
        $depth = 0;
    } elseif ($depth >= POSTHAUS_DEPTH) {
        $part->entities = [];
        return true;
    }
    $cut = false;
    foreach ($part->entities as $inner) {
        $cut = posthaus_cut($inner, $depth + 1) || $cut;
    }
    return $cut;
}

/** A multipart without a boundary has no parts, so the server makes up an empty one: its text is read instead. */
function posthaus_message_body(&$argument)
{
    global $message, $imapConnection, $passed_id, $passed_ent_id;
    if (is_array($argument)) {  // 1.4.23: the hook's name and the text
        $body = &$argument[1];
    } else {
        $body = &$argument;
    }
    if ($body !== '' || !is_object($message) || $message->type0 !== 'multipart' || !empty($passed_ent_id)) {
        return;
    }
    if (empty($message->header->parameters['boundary']) && count($message->entities) === 1) {
        $body = (string) mime_fetch_body($imapConnection, $passed_id, 'TEXT');
    }
}
