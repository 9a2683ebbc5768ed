"""Learning: data sets, training of encoders and classifiers, relevance, work on many machines.

Importing this package imports nothing; its modules bring torch, pyarrow and dask in when used.
"""
