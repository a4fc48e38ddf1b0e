"""Your own 3-D models, read from OBJ, glTF, egg or bam, and lit."""
