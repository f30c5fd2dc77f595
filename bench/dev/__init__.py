"""What only a checkout can do: a real InfluxDB with TLS, an hour of the lab's made-up person, plots, the docs."""
