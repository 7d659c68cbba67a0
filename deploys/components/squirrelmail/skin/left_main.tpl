<?php
// Each folder is one row: its name, how many messages in it are unread, and for the trash the way to empty it.
extract($t);

/** The rows of ``$box`` and of the folders within it. */
function posthaus_folders(array $box, array $settings, int $depth = 0): string
{
    global $accesskey_folders_inbox;
    $rows = '';
    if (!$box['IsRoot']) {
        $name = str_replace(['<', '>'], ['&lt;', '&gt;'], $box['MailboxName']);
        $all = $settings['unreadNotificationAllFolders'];
        $counts = $settings['unreadNotificationEnabled'] && ($all || $box['IsInbox']) && !$box['IsNoSelect'];
        $unseen = $settings['unreadNotificationCummulative'] ? $box['CummulativeUnreadCount'] : $box['UnreadCount'];
        $rows .= '<div class="folder' . ($box['UnreadCount'] > 0 ? ' new' : '') . '" style="padding-inline-start:' . 12 * $depth . 'px">';
        if ($box['ChildBoxes'] && $settings['collapsableFoldersEnabled']) {
            $rows .= '<a class="fold" href="' . $box['CollapseLink']['URL'] . '" target="' . $box['CollapseLink']['Target'] . '">' . $box['CollapseLink']['Icon'] . '</a>';
        }
        $key = $box['IsInbox'] && $accesskey_folders_inbox !== 'NONE' ? ' accesskey="' . $accesskey_folders_inbox . '"' : '';
        $rows .= $box['IsNoSelect']
            ? "<span>$name</span>"
            : '<a class="to" href="' . $box['ViewLink']['URL'] . '" target="' . $box['ViewLink']['Target'] . "\"$key>$name</a>";
        if ($counts && $unseen > 0) {
            $rows .= "<span class=\"unseen\">$unseen</span>";
        }
        if ($settings['messageRecyclingEnabled'] && $box['IsTrash'] && ($box['MessageCount'] > 0 || $box['ChildBoxes'])) {
            $rows .= '<a class="purge" href="empty_trash.php?smtoken=' . sm_generate_security_token() . '">' . _("Purge") . '</a>';
        }
        $rows .= ($box['ExtraOutput'] ?? '') . "</div>\n";
    }
    if (!$box['IsCollapsed'] || $box['IsRoot']) {
        foreach ($box['ChildBoxes'] as $inner) {
            $rows .= posthaus_folders($inner, $settings, $box['IsRoot'] ? $depth : $depth + 1);
        }
    }
    return $rows;
}
?>
<body class="sqm_leftMain">
<div class="sqm_leftMain">
<?php echo $plugin_output['left_main_before'] ?? ''; ?>
<div class="check"><a href="../src/left_main.php" <?php if ($accesskey_folders_refresh !== 'NONE') echo 'accesskey="' . $accesskey_folders_refresh . '" '; ?>target="left"><?php echo _("Check Mail"); ?></a>
<small><?php echo $clock; ?></small></div>
<nav><?php echo empty($mailboxes) ? '' : posthaus_folders($mailboxes, $settings); ?></nav>
<?php echo $plugin_output['left_main_after'] ?? ''; ?>
</div>
