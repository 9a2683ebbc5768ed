"""Effects: what changes a sound, block by block, in stereo."""
