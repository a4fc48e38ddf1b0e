"""What a search found, as tables, pages, maps and pictures."""
