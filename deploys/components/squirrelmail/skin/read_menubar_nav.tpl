<?php
// Back to where the message came from, and to its neighbours.
extract($t);
$hook = $nav_on_top ? 'read_body_menu_nav_top' : 'read_body_menu_nav_bottom';
$steps = [[_("Previous"), $prev_href ?? ''], [_("Next"), $next_href ?? '']];
if (!empty($del_prev_href) || !empty($del_next_href)) {
    $deleting = [[_("Delete &amp; Previous"), $del_prev_href ?? ''], [_("Delete &amp; Next"), $del_next_href ?? '']];
}
?>
<div class="readMenuBar steps">
<a href="<?php echo $message_list_href; ?>">&#8249; <?php echo _("Message List"); ?></a>
<?php
foreach ([[$search_href ?? '', _("Search Results")], [$up_href ?? '', _("Up")], [$view_msg_href ?? '', _("View Message")]] as [$href, $text]) {
    if ($href) {
        echo "<a href=\"$href\">$text</a>\n";
    }
}
foreach (['pair' => $steps, 'pair deleting' => $deleting ?? []] as $class => $pair) {
    echo "<span class=\"$class\">";
    foreach ($pair as [$text, $href]) {
        echo $href ? "<a href=\"$href\">$text</a>\n" : "<span class=\"none\">$text</span>\n";
    }
    echo '</span>';
}
echo $plugin_output[$hook] ?? '';
?>
</div>
