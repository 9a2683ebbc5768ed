"""MIDI and OSC: ports, messages, the controller map, and the control process."""
