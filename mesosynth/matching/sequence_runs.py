"""Where sequences are kept whose file nobody named, so that the same request goes on with them."""

import hashlib
from pathlib import Path

import msgspec
import platformdirs

from mesosynth.errors import AudioFileError
from mesosynth.matching.sequence_messages import SequenceSettings


def run_of(path: Path, settings: SequenceSettings) -> Path:
    """The file that a sequence of a sound file by these settings grows in.

    Raises
    ------
    AudioFileError
        If the sound file cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}.") from error
    digest.update(msgspec.json.encode(settings, order="deterministic"))
    folder = platformdirs.user_cache_path("mesosynth", appauthor=False) / "sequences"
    return folder / f"{path.stem}-{digest.hexdigest()[:12]}.jsonl"
