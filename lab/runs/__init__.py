"""A run's life: what happens around an experiment, from its command line to MLflow's copy of its journal. No backend in here."""
