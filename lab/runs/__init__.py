"""The life of a run: all that surrounds an experiment, from its command line to its copy in MLflow.

No module of this package imports a backend. `start` tracks a script or a notebook, `run` runs an
experiment with a configuration, `compare` compares runs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
