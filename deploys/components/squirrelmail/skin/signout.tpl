<?php
extract($t);
?>
<body class="login">
<main class="card">
<h1><?php echo _("Sign Out"); ?></h1>
<?php echo $plugin_output['signout_message'] ?? ''; ?>
<p><?php echo _("You have been successfully signed out."); ?></p>
<p><a class="button primary" href="<?php echo $login_uri; ?>" target="<?php echo $frame_top; ?>"><?php echo _("Click here to log back in."); ?></a></p>
</main>
