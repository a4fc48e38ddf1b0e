"""Values in the cells of a table: numbers, times, positions, roles."""
