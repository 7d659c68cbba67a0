<?php
// The HTML of today in place of XHTML and framesets: else phones and the rules for old browsers decide the layout.
extract($t);
?>
<!DOCTYPE html>
<html lang="<?php echo htmlspecialchars(strtr($lang ?: 'en', '_', '-')); ?>"<?php
global $text_direction;
if (($text_direction ?? '') === 'rtl') echo ' dir="rtl"'; ?>>
<head>
<?php if (!empty($page_title)) { ?>
<title><?php echo $page_title; ?></title>
<?php }
echo $header_tags ?? ''; ?>
</head>
