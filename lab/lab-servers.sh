#!/bin/sh
# Turns Debian 12 into a host for the lab's own DNS and certificate authority. Runs once, while the image is made.
set -e
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d # nothing starts here; each lab starts what it needs
chmod 0755 /usr/sbin/policy-rc.d
apt-get -q update
apt-get -qq install -y --no-install-recommends bind9 bind9-dnsutils nsd ldnsutils unbound pebble openssl curl
rm -f /usr/sbin/policy-rc.d /etc/ssh/ssh_host_*
systemctl disable named.service nsd.service unbound.service
