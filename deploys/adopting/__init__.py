"""Moving in from a server made by hand: what it is, as the mail.yaml that describes it. Changes nothing there."""
