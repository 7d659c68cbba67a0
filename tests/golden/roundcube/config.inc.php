<?php
// Written by Posthaus: Roundcube's whole configuration. The next run puts it back: change mail.yaml instead.
// ROUNDCUBE_CONFIG_DIR leads here, so that /etc/roundcube stays as its package made it, and no upgrade asks anything.

$config = [];
$config['db_dsnw'] = 'sqlite:////var/lib/posthaus-roundcube/db/roundcube.sqlite?mode=0600';
$config['des_key'] = trim((string) @file_get_contents('/var/lib/posthaus-roundcube/des_key'));  // made once, on this host
$config['cipher_method'] = 'AES-256-CBC';

// --- reading, filters: Dovecot on this host. The address is part of each person's identity: never change it ---
$config['imap_host'] = '127.0.0.1:143';
$config['imap_delimiter'] = '/';
$config['managesieve_host'] = '127.0.0.1:4190';
$config['managesieve_vacation'] = 1;  // a page of its own beside the filters
$config['managesieve_forward'] = 1;
$config['managesieve_mbox_encoding'] = 'UTF-8';

// --- sending: submission as the person who is logged in, never anonymously ---
$config['smtp_host'] = 'ssl://127.0.0.1:465';
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['smtp_helo_host'] = 'mail.example.com';
$config['smtp_conn_options'] = ['ssl' => [
    'peer_name' => 'mail.example.com',
    'verify_peer' => true,
    'verify_peer_name' => true,
    'capath' => '/etc/ssl/certs',
    'cafile' => '/etc/ssl/posthaus/fullchain.pem',  // a certificate that signed itself is nowhere else
]];
$config['http_received_header'] = false;  // where people sit is nobody's business; Postfix logs who sent what
$config['useragent'] = 'Roundcube Webmail';
$config['max_message_size'] = 52428800;
$config['identities_level'] = 3;  // the name alone: Postfix refuses a sender that is not the person's own

// --- who logs in, and for how long: an hour idle. Dovecot is who judges passwords ---
$config['username_domain'] = 'example.com';  // what a bare name gets
$config['login_lc'] = 2;
$config['login_autocomplete'] = 2;
$config['login_rate_limit'] = 0;  // it counts by person, so that anybody could shut anybody out
$config['session_storage'] = 'php';
$config['session_lifetime'] = 60;
$config['session_samesite'] = 'Strict';
$config['use_https'] = true;
$config['ip_check'] = false;  // a phone changes its network

// --- what people see ---
$config['product_name'] = 'Pandry\'s \\ Mail';
$config['skin'] = 'elastic';
$config['skins_allowed'] = ['elastic'];
$config['support_url'] = '';
$config['display_product_info'] = 0;
$config['mail_pagesize'] = 50;
$config['quota_zero_as_unlimited'] = true;
$config['message_show_email'] = true;
$config['show_images'] = 0;
$config['dont_override'] = ['show_images'];  // what is remote is asked for message by message (Apache's policy heeds that)
$config['enable_spellcheck'] = false;  // its dictionary is elsewhere, and would read every text
$config['enable_installer'] = false;

// --- folders: Dovecot's own ---
$config['drafts_mbox'] = 'Drafts';
$config['sent_mbox'] = 'Sent';
$config['junk_mbox'] = 'Junk';
$config['trash_mbox'] = 'Trash';
$config['archive_mbox'] = 'Archive';
$config['create_default_folders'] = false;
$config['markasjunk_learning_driver'] = null;  // a message that is moved to Junk teaches the filter
$config['markasjunk_spam_mbox'] = 'Junk';

$config['plugins'] = ['posthaus', 'acl', 'archive', 'managesieve', 'markasjunk', 'password', 'zipdownload', 'posthaus_apps'];

// --- the account service ---
$config['password_driver'] = 'poppassd';
$config['password_pop_host'] = '127.0.0.1';
$config['password_pop_port'] = 106;
$config['password_confirm_current'] = true;
$config['password_minimum_length'] = 10;

// --- files and log: the package's own directories get another owner with each upgrade ---
$config['temp_dir'] = '/var/lib/posthaus-roundcube/temp';
$config['log_driver'] = 'syslog';
$config['log_dir'] = '/var/lib/posthaus-roundcube/temp';  // nothing lies there, but each page looks whether it is a directory
$config['syslog_id'] = 'roundcube';
$config['log_logins'] = true;
$config['mime_types'] = '/etc/mime.types';
