"""Sends requests to a service over HTTP and checks its answers."""
