"""Pictures of the town, drawn from a seed."""
