"""The first answers of a search put into a better order by what both photos show where."""
