"""The pad: the plane of two parameters over the loss, and the blend square."""
