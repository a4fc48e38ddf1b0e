"""Videos, and the tracks (GPX, NMEA, tables) that say where their frames were taken."""
