"""Nearest neighbors in a store: exact, by an index of FAISS, or in Milvus."""
