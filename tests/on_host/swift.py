"""OpenStack's Swift on one host, for those who speak S3 to it (https://docs.openstack.org/swift/latest/middleware.html,
s3api): three daemons that keep accounts, containers and objects below /srv/node, one copy of each, and a proxy."""

from __future__ import annotations

PORT = 8080
KEY_ID, KEY = "mail:host", "sixty-silver-otters"
_ACCOUNT, _, _USER = KEY_ID.partition(":")
_FILTERS = ("catch_errors", "cache", "listing_formats", "bulk", "s3api", "tempauth", "copy", "slo", "dlo")
_SETTINGS = {
    "cache": "use = egg:swift#memcache",
    "tempauth": f"use = egg:swift#tempauth\nuser_{_ACCOUNT}_{_USER} = {KEY} .admin",
}
_PROXY = f"""[DEFAULT]
bind_ip = 0.0.0.0
bind_port = {PORT}
user = swift
workers = 0
[pipeline:main]
pipeline = {" ".join(_FILTERS)} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
""" + "".join(f"[filter:{name}]\n{_SETTINGS.get(name, f'use = egg:swift#{name}')}\n" for name in _FILTERS)
# Debian's own units come with settings for several hosts.
SWIFT = f"""set -e
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \\
    swift swift-proxy swift-account swift-container swift-object
systemctl stop 'swift-*' || :
install -d -o swift -g swift /srv/node/disk /var/cache/swift
cd /etc/swift
printf '[swift-hash]\\nswift_hash_path_suffix = lab\\nswift_hash_path_prefix = lab\\n' >swift.conf
port=6200
for part in object container account; do
    cat >$part-server.conf <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
user = swift
devices = /srv/node
mount_check = false
workers = 0
[pipeline:main]
pipeline = $part-server
[app:$part-server]
use = egg:swift#$part
END
    swift-ring-builder $part.builder create 4 1 1
    swift-ring-builder $part.builder add r1z1-127.0.0.1:$port/disk 1
    swift-ring-builder $part.builder rebalance
    port=$((port + 1))
done
cat >proxy-server.conf <<'END'
{_PROXY}END
chown -R root:swift .
for part in object container account proxy; do
    systemd-run --quiet --unit=lab-swift-$part swift-$part-server /etc/swift/$part-server.conf
done
"""
# Whoever asks without a name is refused.
ANSWERS = f"""python3 - <<'END'
import urllib.error, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:{PORT}/v1/AUTH_{_ACCOUNT}", timeout=5)
except urllib.error.HTTPError as answer:
    raise SystemExit(answer.code != 401)
END
"""
