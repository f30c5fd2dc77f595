"""The write gateway as it is installed: a real nginx with the role's own files, before a real influxd."""
