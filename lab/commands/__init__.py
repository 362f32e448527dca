"""The commands of `python -m lab`, a file for each. Its `main(argv)` returns the exit code."""
