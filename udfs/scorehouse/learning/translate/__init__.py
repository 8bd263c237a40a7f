"""From fitted objects to formulas: one function for each kind of estimator, found by its class.

Every file of this folder is imported, so that what it registers (formulas, conventions, formats of brought models) is known: a
library that is new here is a file, and nothing else.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
