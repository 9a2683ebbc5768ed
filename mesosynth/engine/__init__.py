"""Sound engine: rack, limiter and meters, sound devices, and the audio process.

Nothing here imports torch or Qt, and importing it does not open PortAudio: that happens in the
audio process, so that a missing library or a broken driver cannot reach the desk.
"""
