"""Pad: two parameters over the loss."""
