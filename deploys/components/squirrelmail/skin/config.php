<?php
// Written by Posthaus: a template set of our own for SquirrelMail 1.5.2. What is not here comes from its "default".
$template_engine = SQ_PHP_TEMPLATE;
$content_type = 'text/html';
$parent_template_set = 'default';
$add_plugins = [];
$remove_plugins = [];
