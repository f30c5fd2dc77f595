"""A lab of real hosts on one machine: systemd, ssh and fixed addresses, made from Debian's own packages."""
