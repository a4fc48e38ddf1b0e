"""The file formats of 3-D models: OBJ, glTF, egg, bam."""
