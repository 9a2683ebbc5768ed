"""The desk: a Qt window on one session. It never imports torch, SciPy or Matplotlib."""
