"""The words that all rooms share.

They are dataclasses, and `dataclasses` imports `inspect`, for classes without a docstring only: a tenth of what there
is to do before the first connection. Ours have all one. It gets something that imports it when another comes; from
Python 3.12 on it needs it for every class.
"""

import sys
from types import ModuleType

if not {"dataclasses", "inspect"} & sys.modules.keys():
    sys.modules["inspect"] = _later = ModuleType("inspect")
    _later.__dict__["__getattr__"] = lambda name: _later.__dict__.setdefault(name, getattr(__import__("inspect"), name))
    try:
        import dataclasses  # noqa: F401
    finally:
        del sys.modules["inspect"]
