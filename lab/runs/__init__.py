"""The life of a run: all that surrounds an experiment, from its command line to its copy in MLflow.

No module of this package imports a backend.
"""
