# PYTHON_ARGCOMPLETE_OK
"""`python -m classicselfie`."""

import sys

from classicselfie.cli import main

if __name__ == "__main__":
    sys.exit(main())
