"""What macros can ask for: any file of this folder may mark a function with `@operation`, and all are imported here."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
