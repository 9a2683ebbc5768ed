"""``python -m mesosynth`` is ``mesosynth``."""

import sys

from mesosynth.cli import main

sys.exit(main())
