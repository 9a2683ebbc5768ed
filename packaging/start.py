"""Entry of the bundle: child processes of multiprocessing start here too."""

import multiprocessing
import sys

multiprocessing.freeze_support()

if __name__ == "__main__":
    from mesosynth.cli.main import main

    sys.exit(main())
