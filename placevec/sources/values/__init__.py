"""What a field of a table says: a number, a time, a position, a role."""
