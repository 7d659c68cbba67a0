<?php
// What is kept in the password's place for as long as a session lasts: a secret that the account service makes. Dovecot
// needs no slow hash to know it, and it ends with the session, or when the password is changed.

require_once __DIR__ . '/service.php';

class PosthausSession
{
    const RENEWED_AFTER = 1200;  // seconds; the service forgets what nobody has asked for in two hours
    const PATIENCE = 5;  // seconds
    const APP_PASSWORD = '/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/D';  // opens no session, and costs Dovecot nothing anyway

    /** Somebody has logged in. Where there is no secret to be had the password is kept, as SquirrelMail does. */
    public static function begin(string $person, string $password): void
    {
        unset($_SESSION['posthaus_session']);
        if (preg_match(self::APP_PASSWORD, $password)) {
            return;
        }
        try {
            self::keep((new PosthausAccount(self::PATIENCE))->logIn($person, $password)->said('session'));
        } catch (PosthausRefused) {
        }
    }

    /** The password is another one now, as $service knows, and has ended every session. */
    public static function changed(PosthausAccount $service, string $password): void
    {
        try {
            self::keep($service->said('session'));
        } catch (PosthausRefused) {
            $_COOKIE['key'] = sqauth_save_password($password);
            unset($_SESSION['posthaus_session']);
        }
    }

    /** Tell the service now and then that somebody is there. */
    public static function goOn(): void
    {
        if ($_SESSION['posthaus_session'] + self::RENEWED_AFTER < time()) {
            $_SESSION['posthaus_session'] = time();
            self::tell('renew');
        }
    }

    /** Log out. */
    public static function end(): void
    {
        self::tell('forget');
    }

    private static function keep(string $secret): void
    {
        $_COOKIE['key'] = sqauth_save_password($secret);  // for the pages to come, and for what follows on this one
        $_SESSION['posthaus_session'] = time();
    }

    private static function tell(string $word): void
    {
        try {
            (new PosthausAccount(self::PATIENCE))->said($word, sqauth_read_password());
        } catch (PosthausRefused) {  // then it ends by itself
        }
    }
}
