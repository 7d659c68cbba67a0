<?php
// The one script of ours among a person's: answers while they are away, sends their mail on, and then does what the
// script did that was active before. What it is made of stands in its head, so that the page can show it again; a sum
// tells whether another program has changed it since.

const POSTHAUS_SCRIPT = 'posthaus';

class PosthausRules
{
    public array $vacation = ['on' => false, 'from' => '', 'to' => '', 'subject' => '', 'text' => ''];
    public array $forward = ['on' => false, 'to' => [], 'keep' => true];
    public array $includes = [];  // names of scripts that go on working
    public bool $foreign = false;  // there is a script of our name that is not as we wrote it

    /** As the person's scripts have it now. */
    public static function read(PosthausManageSieve $sieve): self
    {
        $rules = new self();
        [$names, $active] = $sieve->scripts();
        if (in_array(POSTHAUS_SCRIPT, $names, true)) {
            $rules->understand($sieve->get(POSTHAUS_SCRIPT));
            if ($active !== POSTHAUS_SCRIPT) {  // another program has switched it off
                $rules->vacation['on'] = $rules->forward['on'] = false;
                $rules->includes = [];
            }
        }
        if ($active !== null && $active !== POSTHAUS_SCRIPT) {
            $rules->includes[] = $active;
        }
        $rules->includes = array_values(array_intersect(array_unique($rules->includes), $names));
        return $rules;
    }

    /** Put it in place, and read it back; where there is nothing left to do, what was active before is so again. */
    public function write(PosthausManageSieve $sieve): void
    {
        [$names, $active] = $sieve->scripts();
        if ($this->vacation['on'] || $this->forward['on']) {
            $script = $this->script();
            $sieve->put(POSTHAUS_SCRIPT, $script);
            $sieve->activate(POSTHAUS_SCRIPT);
            [$after] = $sieve->scripts();
            if (array_diff($after, [...$names, POSTHAUS_SCRIPT])) {  // Pigeonhole has put a script by hand aside: "dovecot.orig"
                array_push($this->includes, ...array_diff($after, [...$names, POSTHAUS_SCRIPT]));
                $script = $this->script();
                $sieve->put(POSTHAUS_SCRIPT, $script);
            }
            if (str_replace("\r\n", "\n", rtrim($sieve->get(POSTHAUS_SCRIPT))) !== str_replace("\r\n", "\n", rtrim($script))) {
                throw new PosthausSieveRefused(_("The mail server has kept something else than was sent. Please look at your settings."));
            }
            return;
        }
        if ($active === POSTHAUS_SCRIPT) {
            $sieve->activate($this->includes[0] ?? '');
        }
        // the texts stay for next time
        $sieve->put(POSTHAUS_SCRIPT, $this->script());
    }

    public function script(): string
    {
        $body = $this->body();
        $settings = ['vacation' => $this->vacation, 'forward' => $this->forward, 'includes' => $this->includes];
        return "# Written by the webmail's page on one's own account, which notices when another program changes this.\r\n"
            . '# settings ' . base64_encode(json_encode($settings)) . "\r\n# sum " . hash('sha256', $body) . "\r\n$body";
    }

    private function understand(string $script): void
    {
        $script = preg_replace('/\r?\n/', "\r\n", $script);
        if (
            !preg_match('/^# settings (\S+)\r\n# sum ([0-9a-f]{64})\r\n(.*)$/ms', $script, $found)
            || !hash_equals($found[2], hash('sha256', rtrim($found[3]) . "\r\n"))
        ) {
            $this->foreign = true;
            preg_match_all('/^\s*include\s+(?::\w+\s+)*"((?:[^"\\\\]|\\\\.)*)"/m', $script, $others);
            $this->includes = array_map('stripslashes', $others[1]);  // these go on working even so
            return;
        }
        $settings = json_decode(base64_decode($found[1]), true) ?: [];
        $this->vacation = array_intersect_key($settings['vacation'] ?? [], $this->vacation) + $this->vacation;
        $this->forward = array_intersect_key($settings['forward'] ?? [], $this->forward) + $this->forward;
        $this->includes = $settings['includes'] ?? [];
    }

    private function body(): string
    {
        $lines = [];
        $needs = [];
        if ($this->vacation['on']) {
            $needs[] = 'vacation';
            $answer = 'vacation :days 1' . ($this->vacation['subject'] === '' ? '' : ' :subject ' . self::quoted($this->vacation['subject']))
                . ' ' . self::quoted($this->vacation['text']) . ';';
            $when = [];
            foreach (['from' => 'ge', 'to' => 'le'] as $end => $compare) {
                if ($this->vacation[$end] !== '') {
                    $zone = (new DateTime($this->vacation[$end]))->format('O');
                    $when[] = "currentdate :zone \"$zone\" :value \"$compare\" \"date\" " . self::quoted($this->vacation[$end]);
                }
            }
            if ($when) {
                array_push($needs, 'date', 'relational');
                $answer = 'if allof(' . implode(",\r\n    ", [...$when, 'true']) . ") {\r\n$answer\r\n}";
            }
            $lines[] = $answer;
        }
        if ($this->forward['on']) {
            if ($this->forward['keep']) {
                $needs[] = 'copy';
            }
            foreach ($this->forward['to'] as $address) {
                $lines[] = 'redirect ' . ($this->forward['keep'] ? ':copy ' : '') . self::quoted($address) . ';';
            }
            if (!$this->forward['keep']) {
                $lines[] = 'stop;';
            }
        }
        if ($this->includes) {
            $needs[] = 'include';
            foreach ($this->includes as $name) {
                $lines[] = 'include :personal :optional ' . self::quoted($name) . ';';
            }
        }
        if ($needs) {
            array_unshift($lines, 'require ["' . implode('", "', $needs) . '"];');
        }
        return implode("\r\n", $lines ?: ['keep;']) . "\r\n";
    }

    /** A string of Sieve (RFC 5228, 2.4.2). */
    private static function quoted(string $text): string
    {
        return '"' . addcslashes(preg_replace('/\r\n|\r|\n/', "\r\n", $text), '"\\') . '"';
    }
}
