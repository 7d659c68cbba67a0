<?php
// ManageSieve (RFC 5804), as much of it as one script needs. Dovecot on this host counts the loopback as secured.

/** What Dovecot refuses, in its words. */
class PosthausSieveRefused extends Exception
{
}

class PosthausManageSieve
{
    private $stream;

    public function __construct(string $person, string $password)
    {
        $this->stream = @stream_socket_client('tcp://127.0.0.1:4190', $code, $why, 5);
        if (!$this->stream) {
            throw new PosthausSieveRefused(_("The mail server does not answer. Please try again later."));
        }
        stream_set_timeout($this->stream, 30);
        $this->answer();
        $this->say('AUTHENTICATE "PLAIN" "' . base64_encode("\0$person\0$password") . '"');
    }

    /** Every script's name, and the name of the one that is active, if any. */
    public function scripts(): array
    {
        $names = [];
        $active = null;
        foreach ($this->say('LISTSCRIPTS') as $line) {
            $names[] = $line[0];
            if (strtoupper($line[1] ?? '') === 'ACTIVE') {
                $active = $line[0];
            }
        }
        return [$names, $active];
    }

    public function get(string $name): string
    {
        return $this->say('GETSCRIPT ' . $this->literal($name))[0][0] ?? '';
    }

    public function put(string $name, string $script): void
    {
        $this->say('PUTSCRIPT ' . $this->literal($name) . ' ' . $this->literal($script));
    }

    /** Make a script the active one; '' for none. */
    public function activate(string $name): void
    {
        $this->say('SETACTIVE ' . $this->literal($name));
    }

    public function delete(string $name): void
    {
        $this->say('DELETESCRIPT ' . $this->literal($name));
    }

    private function literal(string $text): string
    {
        return '{' . strlen($text) . "+}\r\n$text";
    }

    private function say(string $command): array
    {
        fwrite($this->stream, "$command\r\n");
        return $this->answer();
    }

    /** The lines before OK, each as its words; NO and BYE are refusals. */
    private function answer(): array
    {
        $lines = [];
        while (true) {
            $words = $this->words();
            $first = strtoupper($words[0] ?? '');
            if ($first === 'OK') {
                return $lines;
            }
            if ($first === 'NO' || $first === 'BYE') {
                throw new PosthausSieveRefused(trim(end($words)));
            }
            $lines[] = $words;
        }
    }

    /** One line as its words: atoms, quoted strings, codes in brackets, and literals, whose bytes follow the line. */
    private function words(): array
    {
        $words = [];
        while (true) {
            $line = fgets($this->stream);
            if ($line === false) {
                throw new PosthausSieveRefused(_("The mail server does not answer. Please try again later."));
            }
            preg_match_all('/"((?:[^"\\\\]|\\\\.)*)"|\(([^)]*)\)|([^\s"(){}]+)/', preg_replace('/\{\d+\+?\}\r?\n$/', '', $line), $found, PREG_SET_ORDER);
            foreach ($found as $word) {
                $words[] = $word[3] ?? $word[2] ?? stripslashes($word[1]);
            }
            if (!preg_match('/\{(\d+)\+?\}\r?\n$/', $line, $literal)) {
                return $words;
            }
            $words[] = $literal[1] ? (string) stream_get_contents($this->stream, (int) $literal[1]) : '';
        }
    }
}
