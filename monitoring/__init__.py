"""What a site's own Prometheus and Grafana need: README.md has how to use it."""
