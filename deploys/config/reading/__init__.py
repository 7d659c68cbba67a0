"""From the text of mail.yaml to a mapping, and from what is wrong with it to lines for a person."""
