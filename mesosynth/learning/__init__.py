"""Learning: data sets of rendered sounds, encoders from sound to theta, and work on many machines.

Importing this package imports nothing; its modules bring torch, pyarrow and dask in when used.
"""
