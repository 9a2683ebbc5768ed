"""The contract of instruments and effects, their parameters, musical time, and sample loops.

A plugin imports what it needs from here:

>>> from mesosynth.plugins import Effect, Parameter, ParameterTable, kernel
"""

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import Effect, EventKind, Instrument, Plugin
from mesosynth.system.kernels import kernel

__all__ = ["Effect", "EventKind", "Instrument", "Parameter", "ParameterTable", "Plugin", "kernel"]
