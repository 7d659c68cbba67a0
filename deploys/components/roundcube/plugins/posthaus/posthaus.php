<?php

/** What Roundcube must know of this host's people, and Dovecot of theirs. Written by Posthaus. */
class posthaus extends rcube_plugin
{
    public function init()
    {
        $this->add_hook('storage_connect', [$this, 'origin']);
        $this->add_hook('authenticate', [$this, 'complete']);
        $this->add_hook('user_create', [$this, 'name']);
        $this->add_hook('message_load', [$this, 'remote']);
        $this->add_hook('login_after', [$this, 'settle']);
    }

    /** Tell Dovecot before the login where the browser is: else its log says 127.0.0.1 for everybody. */
    public function origin($options)
    {
        $options['preauth_ident'] = ['x-originating-ip' => $_SERVER['REMOTE_ADDR'] ?? ''];
        return $options;
    }

    /** A bare name gets the domain of its mailbox, where that is another than the others'. */
    public function complete($login)
    {
        $user = strtolower(trim((string) $login['user']));
        $domain = $this->people('domains')[$user] ?? null;
        if ($domain !== null) {
            $login['user'] = "$user@$domain";
        }
        return $login;
    }

    /** Who comes for the first time has the name that mail.yaml gives, until they choose another. */
    public function name($person)
    {
        $name = $this->people('names')[strtolower((string) $person['user'])] ?? null;
        if ($name !== null) {
            $person['user_name'] = $name;
        }
        return $person;
    }

    /** Where the reader has allowed what is remote in this message, Apache's policy for its page allows it too. */
    public function remote($loaded)
    {
        if ($loaded['object']->is_safe && !headers_sent()) {
            header('X-Posthaus-Remote: allowed');
        }
        return $loaded;
    }

    /** The button Archive needs its folder. And PHP keeps the session of before the login, with all of the new one. */
    public function settle($next)
    {
        $storage = rcmail::get_instance()->get_storage();
        if (!$storage->folder_exists('Archive')) {
            $storage->create_folder('Archive', true);
        }
        $old = $_COOKIE[session_name()] ?? '';
        if (is_string($old) && preg_match('/^[A-Za-z0-9,-]{16,256}$/D', $old) && $old !== session_id()) {
            @unlink("/var/lib/posthaus-roundcube/sessions/sess_$old");
        }
        return $next;
    }

    private function people($what)
    {
        $known = include '/etc/posthaus-roundcube/people.php';
        return is_array($known) ? $known[$what] : [];
    }
}
