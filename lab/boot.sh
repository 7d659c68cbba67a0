#!/bin/sh
# What a throwaway host runs before systemd. The lab and the Vagrantfile pass this text to /bin/sh -c.
set -e

# A cgroup tree of our own works on every engine and cgroup version; the machine's own, mounted here, breaks journald.
umount -R /sys/fs/cgroup || :
mount -t cgroup2 none /sys/fs/cgroup

# What a throwaway host's disk has not written yet goes with it anyway: dpkg need not wait for each file (dpkg(1)).
[ ! -d /etc/dpkg/dpkg.cfg.d ] || echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/posthaus-lab

# Disks, consoles and sleep of machines: systemd would look for them at each boot and reload (systemd.generator(7)).
mkdir -p /etc/systemd/system-generators
for name in cryptsetup debug factory-reset fstab getty gpt-auto hibernate-resume integritysetup rc-local run ssh system-update tpm2 \
    veritysetup; do
    ln -sfn /dev/null "/etc/systemd/system-generators/systemd-$name-generator"
done

# Every host has host keys of its own; a committed copy of a host keeps its.
[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -A

# The lab's public key, for root and for the people of the image.
if [ -n "$AUTHORIZED_KEY" ]; then
    for home in /root /home/*; do
        [ -d "$home" ] || continue
        owner=$(stat -c %u:%g "$home")
        mkdir -p "$home/.ssh" && chmod 0700 "$home/.ssh"
        printf '%s\n' "$AUTHORIZED_KEY" > "$home/.ssh/authorized_keys"
        chmod 0600 "$home/.ssh/authorized_keys"
        chown -R "$owner" "$home/.ssh"
    done
fi

# What an image adds of its own (the stand-in for Ubuntu lays real files over the engine's bind mounts).
[ ! -x /usr/local/lib/posthaus-lab/boot ] || /usr/local/lib/posthaus-lab/boot

exec /lib/systemd/systemd
