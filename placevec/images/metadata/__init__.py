"""What a photo file says of itself before it is decoded: size, turn, time, position."""
