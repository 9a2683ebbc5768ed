"""Resynthesis: descent on a waveform until its JTFS is that of a sound, or an edited one."""
