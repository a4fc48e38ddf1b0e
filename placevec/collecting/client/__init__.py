"""Requests to a service over HTTP, and what it answers."""
