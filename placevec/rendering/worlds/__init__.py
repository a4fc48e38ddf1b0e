"""Reads files of 3-D models: OBJ, glTF, egg and bam."""
