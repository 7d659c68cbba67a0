<?php
// Folders and messages side by side; on a narrow screen one of them at a time, the folders behind a button. The names
// "left" and "right" are those that every link of SquirrelMail's aims at.
extract($t);
global $org_name;
?>
<body class="panes<?php echo $nav_on_left ? '' : ' folders_right'; ?>">
<input type="checkbox" id="folders_shown" aria-label="<?php echo _("Folders"); ?>">
<header><label for="folders_shown" aria-hidden="true"><span>&#9776;</span> <?php echo _("Folders"); ?></label><strong><?php echo $org_name; ?></strong></header>
<iframe src="left_main.php" name="left" title="<?php echo _("Folder List"); ?>"></iframe>
<iframe src="<?php echo $right_frame_url; ?>" name="right" title="<?php echo _("Message List"); ?>"></iframe>
<script>
// whoever has chosen a folder wants to see it
document.getElementsByName('right')[0].addEventListener('load', function () {
    document.getElementById('folders_shown').checked = false;
});
</script>
</body>
</html>
