"""Prometheus metrics of this host's processes. Nothing here is imported while metrics.port is 0."""
