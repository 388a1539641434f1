"""The module for subinterpreters, for targets that need it: they end with 77 where there is none."""

import sys

try:
    import _interpreters as interpreters  # 3.13 and later
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        print("no module for subinterpreters")
        sys.exit(77)
