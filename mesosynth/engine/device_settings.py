"""Which sample rates and blocks there are to choose from, and what to say when one is refused."""

from typing import Any

from mesosynth.engine.device_list import DeviceInfo
from mesosynth.engine.portaudio import quiet_drivers
from mesosynth.errors import DeviceError

RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
"""Hz, that a device is asked for."""

SMALLEST_BLOCK, LARGEST_BLOCK = 1, 8192
"""Frames."""

LOWEST_RATE, HIGHEST_RATE = 8000, 384000
"""Hz, of what there is on the market."""


def check_settings(sample_rate: int | None, block: int | None) -> None:
    """Refuse what no device takes, before one is asked.

    Raises
    ------
    DeviceError
        If the sample rate or the block is out of range.
    """
    if sample_rate is not None and not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise DeviceError(
            f"sample_rate={sample_rate} must be {LOWEST_RATE} to {HIGHEST_RATE} Hz; "
            f"usual are {_list(RATES[3:])}."
        )
    if block is not None and not SMALLEST_BLOCK <= block <= LARGEST_BLOCK:
        raise DeviceError(
            f"block={block} must be {SMALLEST_BLOCK} to {LARGEST_BLOCK} frames; "
            "usual are 64, 128, 256 and 512."
        )


def legal_rates(sounddevice: Any, index: int, channels: int) -> list[int]:  # noqa: ANN401 - the untyped module
    """Of RATES, those that device number `index` takes, Hz."""
    legal: list[int] = []
    for rate in RATES:
        try:
            with quiet_drivers():
                sounddevice.check_output_settings(
                    device=index, channels=channels, dtype="float32", samplerate=rate
                )
        except (sounddevice.PortAudioError, ValueError):
            continue
        legal.append(rate)
    return legal


def refusal(
    device: DeviceInfo, sample_rate: int, block: int | None, legal: list[int], error: Exception
) -> str:
    """Say what was refused and what to take instead."""
    if legal and sample_rate not in legal:
        return f"device {device.name!r} refuses sample_rate={sample_rate}; it takes {_list(legal)}."
    cause = error.args[0] if error.args else error
    advice = "another program may be using it" if not legal else "let it choose its own block"
    return (
        f"device {device.name!r} refuses sample_rate={sample_rate} and block={block or 'any'} "
        f"({cause}); {advice}."
    )


def _list(rates: list[int] | tuple[int, ...]) -> str:
    *most, last = (str(rate) for rate in rates)
    return f"{', '.join(most)} or {last} Hz" if most else f"{last} Hz"
