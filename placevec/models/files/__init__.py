"""The files of models: whole models, weights, old ones, and those that ship with placevec."""
