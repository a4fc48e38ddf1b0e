"""The files of models: whole models, weights, old models, and those that ship with placevec."""
