"""``python -m mesosynth`` is ``mesosynth``."""

import sys

from mesosynth.cli.main import main

sys.exit(main())
