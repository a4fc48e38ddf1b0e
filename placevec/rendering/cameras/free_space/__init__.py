"""Where in a 3-D model a camera can be: what is in the way, where one can stand and walk."""
