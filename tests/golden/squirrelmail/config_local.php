<?php
// Written by Posthaus. The next run puts it back: change mail.yaml instead.
// SquirrelMail reads this file last, after its own defaults. It serves both lines, 1.5.2 and 1.4.23.

// --- the name on the pages; neither line escapes it for HTML itself ---
$org_title = htmlspecialchars('Example Mail', ENT_QUOTES, 'UTF-8');
$org_name = $org_title;
$provider_name = '';
$provider_uri = '';
$hide_sm_attributions = true;

// --- looks: on a phone the page is as wide as the phone ---
$head_tag_extra = '<link rel="icon" href="###SM BASEURI###favicon.ico">'
    . '<meta name="viewport" content="width=device-width, initial-scale=1">';
if (!is_dir(SM_PATH . 'templates')) {  // 1.4.23
    $head_tag_extra .= '<link rel="stylesheet" href="###SM BASEURI###themes/css/posthaus.css">';
}
// 1.5.2 has template sets, and ours is the only one
$aTemplateSet = [['ID' => 'posthaus', 'NAME' => 'Posthaus']];
$templateset_default = 'posthaus';
$user_themes = [['PATH' => 'none', 'NAME' => 'Default']];
$user_theme_default = 0;

// --- who logs in: always the whole address, so that one person has one set of preferences ---
$domain = 'example.com';
if (is_string($_POST['login_username'] ?? null)) {
    $_POST['login_username'] = (function (string $local, string $domain = ''): string {
        if ($domain === '') {  // a bare name
            $domain = 'example.com';
        }
        return $local === '' || $domain === '' ? $local : "$local@$domain";
    })(...explode('@', trim($_POST['login_username']), 2));
}
$force_username_lowercase = true;

// --- reading: Dovecot on this host ---
$imapServerAddress = '127.0.0.1';
$imapPort = 143;
$imap_server_type = 'dovecot';
$use_imap_tls = false;  // Dovecot counts the loopback as secured
$imap_auth_mech = 'login';
$optional_delimiter = 'detect';  // whatever separator Dovecot has
$allow_thread_sort = true;
$allow_server_sort = true;
$allow_charset_search = true;
$uid_support = true;

// --- sending: submission as the person who is logged in, never anonymously. Only mode 1 heeds the stream options ---
$useSendmail = false;
$smtpServerAddress = '127.0.0.1';
$smtpPort = 465;
$use_smtp_tls = 1;
$smtp_auth_mech = 'login';
$smtp_sitewide_user = '';
$smtp_sitewide_pass = '';
$smtp_stream_options = ['ssl' => [
    'peer_name' => 'mail.example.com',
    'verify_peer' => true,
    'verify_peer_name' => true,
    'capath' => '/etc/ssl/certs',
    'cafile' => '/etc/ssl/posthaus/fullchain.pem',  // a certificate that signed itself is nowhere else
]];

// --- folders: Dovecot's own, no prefix, none twice ---
$default_folder_prefix = '';
$show_prefix_option = false;
$default_sub_of_inbox = false;
$show_contain_subfolders_option = false;
$trash_folder = 'Trash';
$sent_folder = 'Sent';
$draft_folder = 'Drafts';
$auto_create_special = true;
$list_special_folders_first = true;
$default_move_to_trash = true;
$default_move_to_sent = true;
$default_save_as_draft = true;
$default_unseen_notify = 3;  // how many are unread stands beside every folder: rules file messages away from INBOX
$delete_folder = false;
$noselect_fix_enable = false;

// --- where things lie, out of every web directory ---
$data_dir = '/var/lib/squirrelmail/data/';
$attachment_dir = '/var/spool/squirrelmail/attach/';
$dir_hash_level = 0;

// --- languages and characters ---
$squirrelmail_default_language = 'en_US';
$default_charset = 'utf-8';
$lossy_encoding = true;
$zone = @readlink('/etc/localtime');  // the host's own time zone, where it names one
if (is_string($zone) && ($start = strpos($zone, 'zoneinfo/')) !== false) {
    @date_default_timezone_set(substr($zone, $start + 9));
}

// --- safety ---
if (preg_match('/^[A-Za-z0-9.:\[\]_-]+$/', $_SERVER['HTTP_HOST'] ?? '')) {
    $config_location_base = 'https://' . $_SERVER['HTTP_HOST'];  // the address that the browser sees, port included
}
unset($_GET['mailtodata'], $_POST['mailtodata']);  // CVE-2020-14932: it would be unserialized
// CVE-2020-14933: so is the list of attachments that the compose form carries. It may hold the parts of a message, and
// files that an upload made (32 letters and digits), at any depth; anything else could read files or call code.
if (isset($_POST['attachments'])) {
    $harmless = function (mixed $part, int $depth = 0) use (&$harmless): bool {
        $parts = ['Message', 'MessageHeader', 'Rfc822Header', 'ContentType', 'Disposition', 'Language', 'AddressStructure'];
        if (!is_array($part) && !is_object($part)) {
            return true;
        }
        $fields = (array) $part;
        $file = $fields['att_local_name'] ?? '';
        if ($depth > 20 || is_object($part) && !in_array($fields['__PHP_Incomplete_Class_Name'] ?? '', $parts, true)) {
            return false;
        }
        if (!is_string($file) || !preg_match('/^(?:[0-9A-Za-z]{32})?$/D', $file)) {
            return false;
        }
        foreach ($fields as $field) {
            if (!$harmless($field, $depth + 1)) {
                return false;
            }
        }
        return true;
    };
    foreach ((array) $_POST['attachments'] as $carried) {  // 1.5.2 encodes it for a URL, 1.4.23 does not
        foreach ([(string) $carried, urldecode((string) $carried)] as $serialized) {
            if (!$harmless(@unserialize($serialized, ['allowed_classes' => false]))) {
                unset($_POST['attachments']);
            }
        }
    }
    unset($harmless, $carried, $serialized);
}
$only_secure_cookies = true;
$disable_security_tokens = false;
$check_referrer = '';  // else "You must be logged in" everywhere
$edit_identity = false;  // Postfix refuses a sender that is not the person's own
$edit_name = true;
if (!defined('hide_squirrelmail_header')) {
    define('hide_squirrelmail_header', 1);  // where people sit is nobody's business; Postfix logs who sent what
}
$ask_user_info = false;
$allow_remote_configtest = false;
$plugins = ['posthaus'];  // comes with the tree, and needs nothing else
$posthaus_sieve = true;  // whether rules can be edited here
if (defined('SM_DEBUG_MODE_SIMPLE')) {
    $sm_debug_mode = SM_DEBUG_MODE_SIMPLE;  // errors that end a page reach the log; nothing reaches the page
}
