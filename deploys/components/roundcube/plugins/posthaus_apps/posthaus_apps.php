<?php

/**
 * App passwords: a page in Settings on which a person makes one for each program or phone, and revokes it.
 * The account service keeps them, and wants the person's own password each time. Written by Posthaus.
 */
class posthaus_apps extends rcube_plugin
{
    public $task = 'settings';

    private const SERVICE = 'tcp://127.0.0.1:106';
    private const SECONDS = 20;

    private $rc;
    private $apps = null;  // label => day; null: nobody has asked
    private $made = null;  // label and password of the one just made

    public function init()
    {
        $this->rc = rcmail::get_instance();
        $this->add_texts('localization/');
        $this->add_hook('settings_actions', [$this, 'entry']);
        $this->register_action('plugin.posthaus_apps', [$this, 'show']);
        $this->register_action('plugin.posthaus_apps-do', [$this, 'act']);
    }

    public function entry($settings)
    {
        $settings['actions'][] = [
            'action' => 'plugin.posthaus_apps',
            'class' => 'password posthaus-apps',
            'label' => 'apps',
            'title' => 'apps',
            'domain' => 'posthaus_apps',
        ];
        return $settings;
    }

    public function show()
    {
        $this->register_handler('plugin.body', [$this, 'page']);
        $this->rc->output->set_pagetitle($this->gettext('apps'));
        $this->rc->output->send('plugin');
    }

    public function act()
    {
        $password = (string) rcube_utils::get_input_value('_curpasswd', rcube_utils::INPUT_POST, true);
        $does = rcube_utils::get_input_value('_do', rcube_utils::INPUT_POST);
        $label = $does === 'make' ? trim((string) rcube_utils::get_input_value('_label', rcube_utils::INPUT_POST)) : '';
        $revoked = (string) rcube_utils::get_input_value('_revoke', rcube_utils::INPUT_POST);
        if ($password === '' || preg_match('/[\x00-\x1f\x7f]/', $password . $label . $revoked)) {
            $this->rc->output->show_message($this->gettext('needspassword'), 'error');
        } elseif ($does === 'make' && $label === '') {
            $this->rc->output->show_message($this->gettext('needslabel'), 'error');
        } else {
            try {
                $this->ask($password, $label, $revoked);
            } catch (RuntimeException $problem) {
                $this->rc->output->show_message($problem->getMessage(), 'error', null, true, 15);
            }
        }
        $this->rc->overwrite_action('plugin.posthaus_apps');
        $this->show();
    }

    /** One conversation with the service: RuntimeException with its words where it refuses. */
    private function ask($password, $label, $revoked)
    {
        $service = @stream_socket_client(self::SERVICE, $code, $why, self::SECONDS);
        if (!$service) {
            throw new RuntimeException($this->gettext('noservice'));
        }
        stream_set_timeout($service, self::SECONDS);
        try {
            $this->answer($service, null);
            $this->answer($service, 'user ' . $this->rc->get_user_name());
            $this->answer($service, "pass $password");
            if ($revoked !== '') {
                $this->answer($service, "dropapp $revoked");
                $this->rc->output->show_message($this->gettext(['name' => 'revoked', 'vars' => ['label' => $revoked]]), 'confirmation');
            } elseif ($label !== '') {
                $this->made = [$label, $this->answer($service, "newapp $label")];
            }
            $this->apps = [];
            for ($number = (int) $this->answer($service, 'apps'); $number > 0; --$number) {
                [$day, $name] = explode(' ', $this->line($service), 2) + [1 => ''];
                $this->apps[$name] = $day;
            }
            fwrite($service, "quit\r\n");
        } finally {
            fclose($service);
        }
    }

    /** What the service says to $words, without its code. */
    private function answer($service, $words)
    {
        if ($words !== null) {
            fwrite($service, "$words\r\n");
        }
        [$code, $text] = explode(' ', $this->line($service), 2) + [1 => ''];
        if ($code !== '200') {
            throw new RuntimeException($text !== '' ? $text : $this->gettext('noservice'));
        }
        return $text;
    }

    private function line($service)
    {
        $line = fgets($service, 4096);
        if ($line === false) {
            throw new RuntimeException($this->gettext('noservice'));
        }
        return rtrim($line, "\r\n");
    }

    /** The page: what was just made, the form, and those that there are. */
    public function page()
    {
        $password = new html_passwordfield(['name' => '_curpasswd', 'id' => 'curpasswd', 'size' => 20, 'required' => 'required', 'autocomplete' => 'current-password']);
        $label = new html_inputfield(['name' => '_label', 'id' => 'applabel', 'size' => 20, 'maxlength' => 40, 'placeholder' => $this->gettext('example')]);
        $table = new html_table(['cols' => 2, 'class' => 'propform']);
        $table->add('title', html::label('curpasswd', rcube::Q($this->gettext('curpasswd'))));
        $table->add(null, $password->show());
        $table->add('title', html::label('applabel', rcube::Q($this->gettext('newfor'))));
        $table->add(null, $label->show());
        $form = $this->rc->output->form_tag(
            ['id' => 'posthaus-apps', 'method' => 'post', 'action' => './?_task=settings&_action=plugin.posthaus_apps-do'],
            html::p(['class' => 'hint'], rcube::Q($this->gettext('what')))
            . $this->shown() . $table->show()
            . html::p([], $this->button('make', 'btn-primary') . ' ' . $this->button('show', 'btn-secondary'))
            . $this->existing()
        );
        return html::div(['id' => 'prefs-title', 'class' => 'boxtitle'], rcube::Q($this->gettext('apps')))
            . html::div(['class' => 'box formcontainer scroller'], html::div(['class' => 'boxcontent formcontent'], $form));
    }

    private function button($does, $class)
    {
        return html::tag('button', ['type' => 'submit', 'name' => '_do', 'value' => $does, 'class' => "btn $class"], rcube::Q($this->gettext($does)));
    }

    private function shown()
    {
        if ($this->made === null) {
            return '';
        }
        [$label, $secret] = $this->made;
        return html::div(
            ['class' => 'boxinformation', 'role' => 'status'],
            html::p([], rcube::Q($this->gettext(['name' => 'made', 'vars' => ['label' => $label]])))
            . html::p([], html::tag('code', ['id' => 'app-secret', 'style' => 'font-size: 1.2em; user-select: all; overflow-wrap: anywhere'], rcube::Q($secret)))
            . html::p([], rcube::Q($this->gettext('once')))
        );
    }

    private function existing()
    {
        if ($this->apps === null) {
            return html::p(['class' => 'hint'], rcube::Q($this->gettext('unseen')));
        }
        if (!$this->apps) {
            return html::p(['class' => 'hint'], rcube::Q($this->gettext('none')));
        }
        $table = new html_table(['cols' => 3, 'class' => 'table table-sm', 'id' => 'app-list']);
        foreach ($this->apps as $label => $day) {
            $table->add(null, rcube::Q($label));
            $table->add(null, rcube::Q($day));
            $table->add(null, html::tag('button', ['type' => 'submit', 'name' => '_revoke', 'value' => $label, 'class' => 'btn btn-danger btn-sm'], rcube::Q($this->gettext('revoke'))));
        }
        return $table->show() . html::p(['class' => 'hint'], rcube::Q($this->gettext('again')));
    }
}
