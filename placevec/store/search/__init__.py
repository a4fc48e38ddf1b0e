"""Finds nearest neighbors in a store: exactly, with a FAISS index, or in Milvus."""
