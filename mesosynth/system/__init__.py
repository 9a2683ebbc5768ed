"""Processes, files, processors and folders: what every other package stands on."""
