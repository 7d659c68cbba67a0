<?php

/**
 * What is kept in the password's place for as long as a session lasts: a secret that the account service makes. Dovecot
 * needs no slow hash to know it, and it ends with the session, or when the password is changed. Written by Posthaus.
 */
class posthaus_session
{
    private const SERVICE = 'tcp://127.0.0.1:106';
    private const SECONDS = 5;
    private const JUDGING = 20;  // seconds: a wrong password takes its time
    private const RENEWED_AFTER = 1200;  // seconds; the service forgets what nobody has asked for in two hours
    private const APP_PASSWORD = '/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/D';  // opens no session, and costs Dovecot nothing anyway

    /** What to keep of somebody who has logged in; where there is no secret to be had, the password. */
    public static function of($person, $password)
    {
        unset($_SESSION['posthaus_session']);
        if (preg_match(self::APP_PASSWORD, $password) || preg_match('/[\r\n\0]/', $password)) {
            return $password;
        }
        $secret = self::said(["user $person", "pass $password", 'session']);
        if ($secret === null) {
            return $password;
        }
        $_SESSION['posthaus_session'] = time();
        return $secret;
    }

    /** Whether somebody knows their password. */
    public static function knows($person, $password)
    {
        return !preg_match('/[\r\n\0]/', $password) && self::said(["user $person", "pass $password"], self::JUDGING) !== null;
    }

    /** Whether this session keeps a secret of its own, and no password. */
    public static function is()
    {
        return isset($_SESSION['posthaus_session']);
    }

    /** Tell the service now and then that somebody is there. */
    public static function go_on()
    {
        if ($_SESSION['posthaus_session'] + self::RENEWED_AFTER < time()) {
            $_SESSION['posthaus_session'] = time();
            self::said(['renew ' . rcmail::get_instance()->decrypt($_SESSION['password'])]);
        }
    }

    /** Log out. */
    public static function end()
    {
        self::said(['forget ' . rcmail::get_instance()->decrypt($_SESSION['password'])]);
    }

    /** What the service answers to the last of these; null where it refuses, or does not answer in time. */
    private static function said($words, $seconds = self::SECONDS)
    {
        $service = @stream_socket_client(self::SERVICE, $code, $why, $seconds);
        if (!$service) {
            return null;
        }
        stream_set_timeout($service, $seconds);
        $line = fgets($service, 4096);
        foreach ($words as $word) {
            if ($line === false || strncmp($line, '200', 3)) {
                break;
            }
            fwrite($service, "$word\r\n");
            $line = fgets($service, 4096);
        }
        fclose($service);
        return $line !== false && !strncmp($line, '200 ', 4) ? trim(substr($line, 4)) : null;
    }
}
