"""`python -m ws76proxy` is the command `ws76proxy`."""

import sys

from ws76proxy.cli import main

if __name__ == "__main__":
    sys.exit(main())
