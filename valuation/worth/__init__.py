"""What a twin is worth.

Many of its modules need NumPy and SciPy, which take longer to import than all the rest together,
and which a process that sends mail never needs. So a door imports this package and names the module
where it uses it, as in `worth.runs.ask(...)`: the module is imported then.
"""

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
