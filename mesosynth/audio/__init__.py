"""Sound files and targets: reading, writing, loudness and waveform peaks."""
