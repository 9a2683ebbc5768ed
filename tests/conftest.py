"""What all tests share."""

import os

# Two torch threads on two cores that others use as well wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
