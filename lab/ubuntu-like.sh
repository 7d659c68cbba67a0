#!/bin/sh
# Turns Debian 12 into what an Ubuntu cloud host is and a bare Debian is not. Runs once, while the image is made.
set -e
apt-get -q update
apt-get -qq install -y --no-install-recommends \
    cloud-init needrestart ufw unattended-upgrades systemd-resolved libnss-resolve apparmor bash-completion

# People log in as ubuntu and become root by sudo; root itself is let in by nobody.
useradd --create-home --shell /bin/bash --groups sudo,adm ubuntu
echo 'ubuntu ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/90-cloud-init-users
chmod 0440 /etc/sudoers.d/90-cloud-init-users
echo 'PermitRootLogin no' > /etc/ssh/sshd_config.d/60-cloudimg-settings.conf
echo 'LANG=C' > /etc/default/locale

# cloud-init writes /etc/hosts anew at every boot, as with providers that say manage_etc_hosts. Keys and network are the lab's.
mkdir -p /var/lib/cloud/seed/nocloud
printf 'instance-id: lab\nlocal-hostname: vps\n' > /var/lib/cloud/seed/nocloud/meta-data
cat > /var/lib/cloud/seed/nocloud/user-data <<'DATA'
#cloud-config
manage_etc_hosts: true
ssh_deletekeys: false
disable_root: true
DATA
cat > /etc/cloud/cloud.cfg.d/99-lab.cfg <<'DATA'
datasource_list: [NoCloud, None]
network: {config: disabled}
users: []
DATA

# Upgrades come by themselves, as Ubuntu's installer sets it.
printf 'APT::Periodic::%s "1";\n' Update-Package-Lists Unattended-Upgrade > /etc/apt/apt.conf.d/20auto-upgrades

# A machine has real files where the engine mounts its own, and asks the stub resolver.
mkdir -p /usr/local/lib/posthaus-lab
cat > /usr/local/lib/posthaus-lab/boot <<'BOOT'
#!/bin/sh
set -e
upstream=$(awk '$1 == "nameserver" && $2 != "127.0.0.53" {print $2}' /etc/resolv.conf | paste -sd ' ')
mkdir -p /run/systemd/resolved.conf.d
printf '[Resolve]\nDNS=%s\n' "$upstream" > /run/systemd/resolved.conf.d/lab.conf
for file in /etc/resolv.conf /etc/hosts /etc/hostname; do
    content=$(cat "$file")
    umount "$file"
    [ -s "$file" ] || printf '%s\n' "$content" > "$file"
done
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
hostname -F /etc/hostname
BOOT
chmod 0755 /usr/local/lib/posthaus-lab/boot
rm -f /etc/ssh/ssh_host_*
