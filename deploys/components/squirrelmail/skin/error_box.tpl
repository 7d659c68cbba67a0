<?php
extract($t);
?>
<div class="wrong" role="alert">
<strong><?php echo $error; ?></strong>
<p><?php echo $errorMessage; ?></p>
<?php if (!is_null($link)) { ?>
<p><a href="<?php echo $link['URL']; ?>" target="<?php echo $link['FRAME']; ?>"><?php echo $link['TEXT']; ?></a></p>
<?php } ?>
</div>
