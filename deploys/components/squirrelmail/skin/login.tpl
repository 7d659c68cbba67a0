<?php
// The name of the house, two fields and a button; what went wrong stands above them.
extract($t);
global $username_form_name, $username_form_extra, $password_form_name, $password_form_extra, $org_name;
$refused = $plugin_output['login_top'] ?? '';
?>
<body class="login" onload="squirrelmail_loginpage_onload()">
<main class="card" id="sqm_login">
<h1><?php echo $org_name; ?></h1>
<?php echo $refused; ?>
<form name="login_form" id="login_form" action="redirect.php" method="post" onsubmit="document.login_form.js_autodetect_results.value=1">
<label for="login_username"><?php echo _("Name:"); ?></label>
<input type="text" name="<?php echo $username_form_name; ?>" value="<?php echo $login_field_value; ?>" id="login_username" autocomplete="username" autocapitalize="none" spellcheck="false" onfocus="alreadyFocused=true;" <?php echo $username_form_extra; ?>>
<label for="secretkey"><?php echo _("Password:"); ?></label>
<input type="password" name="<?php echo $password_form_name; ?>" value="" id="secretkey" autocomplete="current-password" onfocus="alreadyFocused=true;" <?php echo $password_form_extra; ?>>
<?php echo $login_extra; echo $plugin_output['login_form'] ?? ''; ?>
<input type="submit" class="primary" value="<?php echo _("Login"); ?>">
</form>
</main>
