"""Old names of what has a better one."""

import importlib
import warnings


def renamed(module, names):
    """A module's `__getattr__` that knows old names for one more version, with a DeprecationWarning.

    Args:
        module: its `__name__`.
        names: {old: new}, new ones of the same module.
    """

    def find(name):
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warnings.warn(f"{module}.{name}: its name is {names[name]} now; the old one goes with the next version.", DeprecationWarning, stacklevel=2)  # fmt: skip
        return getattr(importlib.import_module(module), names[name])

    return find
