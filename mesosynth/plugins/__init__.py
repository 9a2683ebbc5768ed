"""The contract of instruments and effects, their parameters, and musical time.

A plugin imports what it needs from here:

>>> from mesosynth.plugins import Effect, Parameter, ParameterTable
"""

from mesosynth.plugins.parameters import Parameter, ParameterTable
from mesosynth.plugins.plugin import Effect, EventKind, Instrument, Plugin

__all__ = ["Effect", "EventKind", "Instrument", "Parameter", "ParameterTable", "Plugin"]
