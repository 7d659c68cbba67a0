<?php
// Where one is, and the way to everywhere else. On a narrow pane all but writing and searching is behind a button.
extract($t);
?>
<body <?php if (!empty($onload)) echo ' onload="' . $onload . '"'; ?>>
<div id="page_header">
<a name="pagetop"></a>
<?php echo $plugin_output['page_header_top'] ?? ''; ?>
<div class="where"><?php
if ($shortBoxName != '') {
    echo '<span>' . _("Current Folder") . ":</span> <em>$shortBoxName</em>";
} ?></div>
<nav class="sqm_topNavigation">
<span class="write"><?php
echo makeComposeLink('src/compose.php?mailbox=' . $urlMailbox . '&amp;startMessage=' . $startMessage, _("Compose"), '', $accesskey_menubar_compose);
?></span>
<?php echo makeInternalLink('src/search.php?mailbox=' . $urlMailbox . '&amp;what=', _("Search"), '', $accesskey_menubar_search); ?>
<input type="checkbox" id="more_shown" aria-label="<?php echo _("Options"); ?>"><label for="more_shown" aria-hidden="true">&#8943;</label>
<div class="more">
<?php
echo makeInternalLink('src/addressbook.php', _("Addresses"), '', $accesskey_menubar_addresses);
echo makeInternalLink('src/folders.php', _("Folders"), '', $accesskey_menubar_folders);
echo makeInternalLink('src/options.php', _("Options"), '', $accesskey_menubar_options);
echo makeInternalLink('src/help.php', _("Help"), '', $accesskey_menubar_help);
echo str_replace('&nbsp;', '', $plugin_output['menuline'] ?? '');
echo $plugin_output['provider_link_before'] ?? '', $provider_link ?? '', $plugin_output['provider_link_after'] ?? '';
echo makeInternalLink('src/signout.php', _("Sign Out"), $frame_top, $accesskey_menubar_signout);
?>
</div>
</nav>
</div>
