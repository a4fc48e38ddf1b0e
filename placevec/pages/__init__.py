"""Pages for people to read: HTML files that need nothing else, with small photos in them."""
