"""Videos, and tracks (GPX, NMEA, tables) that say where frames and photos were taken."""
