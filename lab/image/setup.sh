#!/bin/sh
# Run by mmdebstrap on the new root file system ($1) before it is packed.
set -eu
root=$1

# Units that have no work in a container: on Debian 13 some of them leave a host `degraded`, and the kernel's settings
# are the machine's, not the lab's. The apt timers would hold apt's lock just when a role requires it.
for unit in getty@tty1.service console-getty.service systemd-modules-load.service systemd-sysctl.service \
            systemd-binfmt.service systemd-pstore.service systemd-firstboot.service sys-kernel-config.mount sys-kernel-debug.mount \
            sys-kernel-tracing.mount apt-daily.timer apt-daily-upgrade.timer fstrim.timer e2scrub_all.timer \
            dpkg-db-backup.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# A privileged container would read the machine's kernel log into its journal.
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nReadKMsg=no\nRuntimeMaxUse=64M\n' >"$root/etc/systemd/journald.conf.d/lab.conf"

# The person Ansible logs in as: by key only, root by sudo.
chroot "$root" useradd --uid 1000 --create-home --shell /bin/bash deploy
printf 'deploy ALL=(ALL:ALL) NOPASSWD: ALL\n' >"$root/etc/sudoers.d/deploy"
chmod 0440 "$root/etc/sudoers.d/deploy"
printf 'PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\nUseDNS no\n' \
    >"$root/etc/ssh/sshd_config.d/lab.conf"

# Every host gets keys and an identity of its own.
rm -f "$root"/etc/ssh/ssh_host_*
: >"$root/etc/machine-id"

# Redis is the role's to install; here its packages only wait in apt's cache, so that this takes seconds.
chroot "$root" apt-get clean
chroot "$root" apt-get install --yes --download-only redis-server redis-tools
