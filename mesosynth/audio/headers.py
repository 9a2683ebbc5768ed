"""Lengths in the headers of sound files, compared with the data and put right for libsndfile.

A recorder that dies leaves a length of 0, or that of its last update; a program that streams writes
none; and an MP3 file tells its length only in a frame that many encoders leave out. libsndfile
reads as far as the header says, so it is given another header, and the file itself stays as it is.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from typing_extensions import override

_HEAD = 1 << 20  # bytes in which a header must end
_SLACK = 1 << 12  # bytes after the data that may be a tag of another program
_UNKNOWN = 0x7FFF0000  # sizes from here on are for "not known yet" in a 32-bit header


@dataclass(frozen=True, slots=True)
class Mended:
    """Header to read instead of a file's own.

    Attributes
    ----------
    head : bytes
        Stands in the place of the first `skip` bytes.
    skip : int
    promised : int
        Bytes of sound by the file's own header; 0 where it tells none.
    found : int
        Bytes of sound; of an MP3 file frames, as in `promised`.
    died : bool
        Whether the header tells less than there is, as a recorder leaves it that died.
    """

    head: bytes
    skip: int
    promised: int
    found: int
    died: bool = False


def mended(path: Path) -> Mended | None:
    """Header of a file with its length put right; None where libsndfile reads it well as it is.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        try:
            if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
                return _wav(head, size)
            if head[:4] == b"caff":
                return _caf(head, size)
            if head[:4] == b".snd":
                return _au(head, size)
            if head[:4] == b"fLaC":
                return _flac(head, file, size)
            if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
                return _aiff(head, size)
            plain = head.lstrip(b"\0")  # some encoders put zeros before an MP3's first frame
            if head[:3] == b"ID3" or (len(plain) > 3 and plain[0] == 0xFF and plain[1] >= 0xE0):
                return _mp3(file)
        except (struct.error, IndexError):  # a header that ends too soon
            return None
    return None


class MendedFile(io.RawIOBase):
    """A file with another header, for reading.

    Parameters
    ----------
    path : Path
    header : Mended
    """

    def __init__(self, path: Path, header: Mended) -> None:
        self._file = path.open("rb")
        self._head, self._skip, self._at = header.head, header.skip, 0
        self._size = len(header.head) + max(path.stat().st_size - header.skip, 0)

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def tell(self) -> int:
        return self._at

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    @override
    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self._size)
        data = self._head[self._at : end]
        begin = self._at + len(data)
        if begin < end:
            self._file.seek(begin - len(self._head) + self._skip)
            data += self._file.read(end - begin)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    @override
    def close(self) -> None:
        self._file.close()
        super().close()


def _real_size(promised: int, begin: int, size: int, following: bytes, unknown: int) -> int | None:
    """Bytes of sound where the promise is wrong; None where it is right.

    Parameters
    ----------
    promised : int
        Bytes of sound by the header.
    begin : int
        Where they begin.
    size : int
        Of the file.
    following : bytes
        Eight bytes after the promised end.
    unknown : int
        Sizes from here on are for "not known yet".
    """
    there = max(size - begin, 0)
    if promised > there or promised >= unknown:
        return there
    rest = there - promised
    if promised and (rest <= _SLACK or (following[:4].isascii() and following[:4].isalnum())):
        return None  # another chunk follows, or what a player ignores
    if promised and following[:3] in (b"bex", b"LIS", b"id3", b"ID3", b"TAG"):
        return None
    return there if rest else None


def _wav(head: bytes, size: int) -> Mended | None:
    """RIFF and RF64: chunks of a name and a size, of which "data" is to be the last."""
    at, wide, block = 12, 0, 1
    while True:
        name, length = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
        if name == b"ds64":
            wide = at + 8
        if name == b"fmt ":
            block = max(struct.unpack_from("<H", head, at + 20)[0], 1)
        if name == b"data":
            break
        at += 8 + length + length % 2
    begin = at + 8
    promised = struct.unpack_from("<Q", head, wide + 8)[0] if wide else length
    died = promised < size - begin
    if not wide and promised >= _UNKNOWN and size < _UNKNOWN:
        promised = 0
    following = head[begin + promised + promised % 2 :][:8]
    real = _real_size(promised, begin, size, following or b"    ", 1 << 62)
    if real is None:
        return None
    found = real // block * block
    new = bytearray(head[:begin])
    if wide:
        struct.pack_into("<QQQ", new, wide, begin - 8 + found, found, found // block)
    else:
        struct.pack_into("<I", new, 4, min(begin - 8 + found, 0xFFFFFFFF))
        struct.pack_into("<I", new, at + 4, min(found, 0xFFFFFFFF))
    return Mended(bytes(new), begin, promised, found, died)


def _caf(head: bytes, size: int) -> Mended | None:
    """Apple's format, in which -1 stands for a last chunk that reaches to the end."""
    at, packets = 8, 0
    while True:
        name, length = head[at : at + 4], struct.unpack_from(">q", head, at + 4)[0]
        if name == b"data":
            break
        if name == b"pakt":
            packets = at + 12
        at += 12 + length
    begin = at + 12
    promised = max(length, 0)
    following = head[begin + promised :][:8] if promised else b""
    real = _real_size(promised, begin, size, following or b"    ", 1 << 62)
    if real is None and length >= 0:
        return None
    found = size - begin if real is None else real
    new = head[: at + 4] + struct.pack(">q", found) + head[at + 12 : begin]
    if packets and found < promised:
        new = _whole_packets(new, packets, found - 4)
    died = 0 <= length < found
    return Mended(new, begin, max(promised - 4, 0), max(found - 4, 0), died)


def _whole_packets(head: bytes, at: int, found: int) -> bytes:
    """Header whose table of packets, at `at`, ends with the last that is whole.

    libsndfile decodes the others from what its memory holds.
    """
    number, end, size, place, last = 0, 0, 0, at + 24, at + 24
    (told,) = struct.unpack_from(">q", head, at)
    while number < told:
        size = size << 7 | head[place] & 0x7F
        place += 1
        if head[place - 1] < 0x80:
            if (end := end + size) > found:
                break
            number, size, last = number + 1, 0, place
    (per_packet,) = struct.unpack_from(">I", head, 40)  # frames, of the chunk "desc"
    (length,) = struct.unpack_from(">q", head, at - 8)
    table = (
        struct.pack(">qqqii", last - at, number, number * per_packet, 0, 0) + head[at + 24 : last]
    )
    return head[: at - 8] + table + head[at + length :]


def _au(head: bytes, size: int) -> Mended | None:
    """Sun's format; a size of 0 makes libsndfile read nothing."""
    begin, promised = struct.unpack_from(">II", head, 4)
    if promised == 0xFFFFFFFF:
        return None  # not known: libsndfile reads to the end
    real = _real_size(promised, begin, size, b"    ", 1 << 32)
    if real is None:
        return None
    new = head[:8] + struct.pack(">I", min(real, 0xFFFFFFFF)) + head[12:begin]
    return Mended(new, begin, promised, real, 0 < promised < real)


def _aiff(head: bytes, size: int) -> Mended | None:
    """AIFF and AIFC: chunks of a name and a size; "SSND" may stand before others."""
    at, frames, block = 12, 0, 0
    while True:
        name, length = head[at : at + 4], struct.unpack_from(">I", head, at + 4)[0]
        if name == b"COMM":
            channels, _, bits = struct.unpack_from(">hIh", head, at + 8)
            packed = head[8:12] == b"AIFC" and head[at + 26 : at + 30] in (b"ima4", b"GSM ")
            frames, block = at + 10, 0 if packed else channels * (-(-bits // 8))
        if name == b"SSND":
            break
        at += 8 + length + length % 2
    begin, promised = at + 16, max(length - 8, 0)
    following = head[begin + promised + promised % 2 :][:8]
    real = _real_size(promised, begin, size, following or b"    ", _UNKNOWN)
    if not (block and promised) or real is None or real < promised:
        return None  # libsndfile reads one without a size, and what is left of a cut one
    found = real // block * block
    new = bytearray(head[:begin])
    struct.pack_into(">I", new, 4, min(begin - 8 + found, 0xFFFFFFFF))
    struct.pack_into(">I", new, at + 4, min(found + 8, 0xFFFFFFFF))
    struct.pack_into(">I", new, frames, found // block)
    return Mended(bytes(new), begin, promised, found, True)


# --------------------------------------------------------------------------------------------------
# FLAC: the number of samples stands in the first block, and each frame says where it belongs

_FLAC_TAIL = 1 << 18  # bytes at the end in which the last frame begins
_BLOCK_SIZES = {1: 192, **{n: 576 << (n - 2) for n in range(2, 6)},
                **{n: 256 << (n - 8) for n in range(8, 16)}}  # fmt: skip


def _flac(head: bytes, file: BinaryIO, size: int) -> Mended | None:
    described = int.from_bytes(head[18:26], "big")
    promised, fixed = described & ((1 << 36) - 1), int.from_bytes(head[8:10], "big")
    begin = max(size - _FLAC_TAIL, 42)
    file.seek(begin)
    found = _flac_end(file.read(), fixed)
    if not found or found == promised:
        return None
    channels = (described >> 41 & 7) + 1
    new = head[:18] + (described >> 36 << 36 | found).to_bytes(8, "big")
    frame = channels * ((described >> 36 & 31) + 1)  # bits
    return Mended(new, 26, promised * frame // 8, found * frame // 8)


def _flac_end(tail: bytes, fixed: int) -> int:
    """Number of the sample after the last frame whose header is in a file's tail; 0 for none."""
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        if at + 6 > len(tail) or tail[at + 1] & 0xFE != 0xF8:
            continue
        number, end = _flac_number(tail, at + 4)
        code, rate = tail[at + 2] >> 4, tail[at + 2] & 15
        extra = {6: 1, 7: 2}.get(code, 0)
        frames = _BLOCK_SIZES.get(code, 0) or int.from_bytes(tail[end : end + extra], "big") + 1
        end += extra + {12: 1, 13: 2, 14: 2}.get(rate, 0)
        if number < 0 or not code or end >= len(tail) or _crc8(tail[at:end]) != tail[end]:
            continue
        return (number if tail[at + 1] & 1 else number * fixed) + frames
    return 0


def _flac_number(data: bytes, at: int) -> tuple[int, int]:
    """A number coded as UTF-8 codes characters, and the place after it; -1 if it is none."""
    first = data[at]
    if first < 0x80:
        return first, at + 1
    more = 0
    while first << more & 0x80:
        more += 1
    number = first & (0x7F >> more)
    for byte in data[at + 1 : at + more]:
        if byte & 0xC0 != 0x80:
            return -1, at
        number = number << 6 | byte & 0x3F
    return (number, at + more) if 2 <= more <= 7 and at + more <= len(data) else (-1, at)


def _crc8(data: bytes) -> int:
    """CRC of a frame's header, polynomial x^8 + x^2 + x + 1 (FLAC format, 9.1.8)."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ (0x07 if value & 0x80 else 0)) & 0xFF
    return value


# --------------------------------------------------------------------------------------------------
# MP3: frames are counted, and a first frame that tells their number (Xing's) is put before them

_BITRATES = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}  # kbit/s of layer III, by the version of MPEG
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # fmt: skip


def _mp3(file: BinaryIO) -> Mended | None:
    file.seek(0)
    data = file.read()
    begin = _first_frame(data)
    length = _frame_length(data, begin)
    if not length or (data[0] == 0 and not _frame_length(data, begin + length)):
        return None
    told, count, at = _told_frames(data, begin), 0, begin
    first = begin + length if told is not None else begin
    at = first
    while at + 4 <= len(data):
        step = _frame_length(data, at)
        if at + step > len(data):
            break
        if step:
            count += 1
            at += step
        else:  # damaged: on to the next frame that another one follows
            at = data.find(b"\xff", at + 1)
            while at >= 0 and not (
                (step := _frame_length(data, at)) and _frame_length(data, at + step)
            ):
                at = data.find(b"\xff", at + 1)
            if at < 0:
                break
    if not count or (told is not None and told in (count, count - 1) and data[0]):
        return None
    return Mended(_xing(data[first : first + 4], count), first, told or 0, count)


def _first_frame(data: bytes) -> int:
    """Place of the first frame, after ID3's tag or zeros."""
    begin = 0
    if data[:3] == b"ID3":
        for byte in data[6:10]:
            begin = begin << 7 | byte & 0x7F
        begin += 10
    return max(data.find(b"\xff", begin), 0)


def _frame_length(data: bytes, at: int) -> int:
    """Bytes of the frame of layer III at a place; 0 where there is none."""
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return 0
    version, code, rate = data[at + 1] >> 3 & 3, data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version == 1 or code in (0, 15) or rate == 3:
        return 0
    bitrate = _BITRATES[1 if version == 3 else 2][code] * 1000
    return (144 if version == 3 else 72) * bitrate // _RATES[version][rate] + (
        data[at + 2] >> 1 & 1
    )


def _side_bytes(header: bytes) -> int:
    """Bytes between a frame's header and where Xing's begins: its side information."""
    mono = header[3] >> 6 == 3
    return (17 if mono else 32) if header[1] >> 3 & 3 == 3 else (9 if mono else 17)


def _told_frames(data: bytes, begin: int) -> int | None:
    """Number of frames by a first frame, 0 where it tells none; None if it is no such frame."""
    tag = begin + 4 + _side_bytes(data[begin : begin + 4])
    if data[tag : tag + 4] in (b"Xing", b"Info"):
        has_frames = data[tag + 7] & 1
        return struct.unpack_from(">I", data, tag + 8)[0] if has_frames else 0
    if data[begin + 36 : begin + 40] == b"VBRI":
        return struct.unpack_from(">I", data, begin + 50)[0]
    return None


def _xing(header: bytes, count: int) -> bytes:
    """A silent frame like the one with `header` that tells the number of those that follow."""
    plain = bytes([header[0], header[1] | 1, header[2] & 0x0C | 0x90, header[3]])  # no CRC
    length = _frame_length(plain, 0)
    tag = b"Xing" + struct.pack(">II", 1, count)
    return (plain + bytes(_side_bytes(header)) + tag).ljust(length, b"\0")
