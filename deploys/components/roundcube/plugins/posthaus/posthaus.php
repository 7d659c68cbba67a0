<?php

require_once __DIR__ . '/session.php';

/** What Roundcube must know of this host's people, and Dovecot of theirs. Written by Posthaus. */
class posthaus extends rcube_plugin
{
    private $password = '';  // of whoever logs in by this very request
    private $secret = null;  // of the session, while somebody changes their password

    public function init()
    {
        $this->add_hook('storage_connect', [$this, 'origin']);
        $this->add_hook('authenticate', [$this, 'complete']);
        $this->add_hook('user_create', [$this, 'name']);
        $this->add_hook('message_load', [$this, 'remote']);
        $this->add_hook('login_after', [$this, 'settle']);
        $this->add_hook('startup', [$this, 'go_on']);
        $this->add_hook('session_destroy', [$this, 'end']);
        $this->add_hook('password_change', [$this, 'changed']);
        $this->add_hook('render_page', [$this, 'not_changed']);
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
        $this->password = (string) $login['pass'];
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

    /** The session goes on. The page that changes a password compares what was typed with what the session has, so the
     * session has it meanwhile, where the account service says that it is right. */
    public function go_on($request)
    {
        if (posthaus_session::is()) {
            posthaus_session::go_on();
            $typed = $_POST['_curpasswd'] ?? null;
            $rc = rcmail::get_instance();
            if ($request['action'] === 'plugin.password-save' && is_string($typed) && posthaus_session::knows($rc->get_user_name(), $typed)) {
                $this->secret = $_SESSION['password'];
                $_SESSION['password'] = $rc->encrypt($typed);
            }
        }
        return $request;
    }

    /** The service has ended every session; this page's goes on with another secret. */
    public function changed($passwords)
    {
        $this->secret = null;
        $passwords['new_pass'] = posthaus_session::of(rcmail::get_instance()->get_user_name(), $passwords['new_pass']);
        return $passwords;
    }

    public function not_changed($page)
    {
        if ($this->secret !== null) {
            $_SESSION['password'] = $this->secret;
            $this->secret = null;
        }
        return $page;
    }

    /** Whoever has the secret yet can do nothing with it. */
    public function end($nothing)
    {
        if (posthaus_session::is()) {
            posthaus_session::end();
        }
        return $nothing;
    }

    /** The button Archive needs its folder. And PHP keeps the session of before the login, with all of the new one. */
    public function settle($next)
    {
        $storage = rcmail::get_instance()->get_storage();
        if (!$storage->folder_exists('Archive')) {
            $storage->create_folder('Archive', true);
        }
        $rc = rcmail::get_instance();
        $_SESSION['password'] = $rc->encrypt(posthaus_session::of($rc->get_user_name(), $this->password));
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
