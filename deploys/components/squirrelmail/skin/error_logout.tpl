<?php
// Who is not logged in is told why, and may do so on the same page.
extract($t);
global $org_name, $oTemplate;
?>
<body class="login">
<main class="card" id="sqm_login">
<h1><?php echo $org_name; ?></h1>
<p class="wrong" role="alert"><?php echo $errorMessage; ?></p>
<form name="login_form" id="login_form" action="<?php echo sqm_baseuri(); ?>src/redirect.php" method="post" target="_top" onsubmit="document.login_form.js_autodetect_results.value=1">
<label for="login_username"><?php echo _("Name:"); ?></label>
<input type="text" name="login_username" value="<?php echo htmlspecialchars(is_string($_POST['login_username'] ?? null) ? $_POST['login_username'] : '', ENT_QUOTES, 'UTF-8'); ?>" id="login_username" autocomplete="username" autocapitalize="none" spellcheck="false">
<label for="secretkey"><?php echo _("Password:"); ?></label>
<input type="password" name="secretkey" value="" id="secretkey" autocomplete="current-password" autofocus>
<input type="hidden" name="js_autodetect_results" value="0">
<input type="hidden" name="just_logged_in" value="1">
<input type="submit" class="primary" value="<?php echo _("Login"); ?>">
</form>
</main>
