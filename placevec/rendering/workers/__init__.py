"""Processes that render for this one."""
