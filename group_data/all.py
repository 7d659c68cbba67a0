"""What every host is to be: the site's options, and SSH that checks host keys and does not dawdle. Host data wins."""

from deploys import requests
from deploys.access.nodelay import NoDelayTransport
from deploys.site import mail_server

mail = mail_server()
said = requests.judged(mail)  # the words of --data, as they were typed
ssh_strict_host_key_checking = "yes"  # a host whose key is not known yet is refused: log in once with ssh to accept it
ssh_paramiko_connect_kwargs = {"transport_factory": NoDelayTransport}
