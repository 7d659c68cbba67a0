<?php
fputs($imap_stream, 'P1 ID ("x-originating-ip" "' . $_SERVER['REMOTE_ADDR'] . "\")\r\n");
while (($posthaus_said = fgets($imap_stream)) !== false && strncmp($posthaus_said, 'P1 ', 3)) {
}
