"""Sound in real time: the rack, the device and the process that both live in.

Nothing here imports torch or Qt, and importing it does not open PortAudio: that happens in the
audio process, so that neither a missing library nor a broken driver reaches the desk.
"""
