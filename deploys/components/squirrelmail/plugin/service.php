<?php
// The account service on this host, as the page on one's own account asks it: lines of text, an answer of 200 or 500 to each.

/** What the service refuses, in its words. */
class PosthausRefused extends Exception
{
}

class PosthausAccount
{
    private $stream;

    /** Whoever it is: nobody waits longer for an answer than so many seconds. (A wrong password takes its time.) */
    public function __construct(int $seconds = 30)
    {
        $this->stream = @stream_socket_client('tcp://127.0.0.1:106', $code, $why, 5);
        if (!$this->stream) {
            throw new PosthausRefused(_("Passwords cannot be changed here just now. Please try again later."));
        }
        stream_set_timeout($this->stream, $seconds);
        $this->heard();
    }

    /** Log in anew: whoever sits at a session that somebody left open does not know the password. */
    public function logIn(string $person, string $password): self
    {
        $this->said('user', $person);
        $this->said('pass', $password);
        return $this;
    }

    /** Whether there is such a service. */
    public static function runs(): bool
    {
        $stream = @stream_socket_client('tcp://127.0.0.1:106', $code, $why, 5);
        return $stream && fclose($stream);
    }

    /** Give one command with what belongs to it; the answer's text. */
    public function said(string $command, string $what = ''): string
    {
        if (preg_match('/[\r\n\0]/', $what)) {
            throw new PosthausRefused(_("This holds a character that cannot be typed."));
        }
        fwrite($this->stream, rtrim("$command $what", $what === '' ? ' ' : '') . "\r\n");
        return $this->heard();
    }

    /** The app passwords: lines of a date and a label. */
    public function apps(): array
    {
        $lines = [];
        for ($left = (int) $this->said('apps'); $left > 0; --$left) {
            $lines[] = explode(' ', $this->line(), 2) + ['', ''];
        }
        return $lines;
    }

    private function heard(): string
    {
        $line = $this->line();
        if (!str_starts_with($line, '200')) {
            throw new PosthausRefused(trim(substr($line, 4)) ?: _("This cannot be done now."));
        }
        return trim(substr($line, 4));
    }

    private function line(): string
    {
        $line = fgets($this->stream, 4096);
        if ($line === false) {
            throw new PosthausRefused(_("Passwords cannot be changed here just now. Please try again later."));
        }
        return rtrim($line, "\r\n");
    }
}
