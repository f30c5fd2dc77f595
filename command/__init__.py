"""`seclyzer`: what an operator types on a host. It works without agent, Redis and InfluxDB, by Debian's Python."""
