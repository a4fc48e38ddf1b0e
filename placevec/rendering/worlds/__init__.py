"""3-D models of your own: read from OBJ, glTF, egg or bam, and lit."""
