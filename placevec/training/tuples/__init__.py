"""Which photos make a tuple, mined or drawn, and their pixels from disk or a renderer."""
