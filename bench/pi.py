"""The same as `classicselfie bench`, for people who look for it here.

python bench/pi.py --json pi.json
"""

import sys

from classicselfie.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
