"""Compressed DICOM frames, decoded by GDCM in helper processes.

GDCM ends the whole process (abort, segmentation fault) on some damaged files. In a helper that
costs one film, not the audit. A helper is ``python -m osteon.isolated``: it reads DICOM files from
its standard input and answers on its standard output, each message after its length.
"""

from __future__ import annotations

import atexit
import io
import os
import signal
import struct
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

from osteon.errors import ResourceError
from osteon.formats import damaged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PIECE = 1 << 20  # bytes of a message handed on at once
NO_BUFFER = "'NoneType' object has no attribute 'encode'"  # pydicom, of a frame that GDCM refused
_LENGTH = struct.Struct("<cQ")  # kind: P pixels, F fault, D DICOM; bytes to follow


def decode_frame(data: bytes) -> NDArray[np.generic]:
    """The first frame of a DICOM file as pydicom and GDCM give it: (H, W) or (H, W, 3).

    Raises UnreadableFilm when GDCM refuses it or crashes on it, and ResourceError when the
    operating system kills the helper, which it does when memory runs out.
    """
    import numpy as np

    helper = _take()
    try:
        kind, answer = _ask(helper, data)
    except (EOFError, BrokenPipeError):
        code = _dismiss(helper)
        if code == -getattr(signal, "SIGKILL", 9):
            raise ResourceError(
                "The operating system ended a decoder of DICOM films, most likely because memory "
                "ran out. Use a machine with more memory, or fewer workers."
            ) from None
        raise damaged("the decoder of its compressed pixels crashed on it") from None
    except BaseException:
        _dismiss(helper)  # an answer may be on its way: it must not be taken for another film's
        raise
    with _lock:
        _idle.append(helper)
    if kind == b"F":
        raise damaged(answer.decode())
    head = answer.index(b"\n") + 1
    kind_of, *shape = answer[:head].decode().split()
    pixels: NDArray[np.generic] = np.frombuffer(answer, kind_of, offset=head)
    return pixels.reshape([int(side) for side in shape])


# --- here -----------------------------------------------------------------------------------------

Helper = subprocess.Popen[bytes]
_idle: list[Helper] = []
_lock = threading.Lock()


def _take() -> Helper:
    with _lock:
        if _idle:
            return _idle.pop()
        atexit.unregister(_dismiss_all)  # so that it is registered once
        atexit.register(_dismiss_all)
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # GDCM and its libjpeg talk about every fault
    )


def _ask(helper: Helper, data: bytes) -> tuple[bytes, bytearray]:
    assert helper.stdin is not None
    assert helper.stdout is not None
    _send(helper.stdin, b"D", data)
    return _receive(helper.stdout)


def _dismiss(helper: Helper) -> int:
    """End a helper, and say how it had ended if it had."""
    assert helper.stdin is not None
    assert helper.stdout is not None
    helper.stdout.close()
    try:
        helper.stdin.close()
    except BrokenPipeError:
        return helper.wait()  # what was still to be sent is lost on purpose
    return helper.wait()


def _dismiss_all() -> None:
    while _idle:
        _dismiss(_idle.pop())


def _send(stream: BinaryIO | Any, kind: bytes, *message: bytes | memoryview) -> None:
    stream.write(_LENGTH.pack(kind, sum(len(part) for part in message)))
    for part in message:
        stream.write(part)
    stream.flush()


def _receive(stream: Any) -> tuple[bytes, bytearray]:
    """Into one buffer: films are large, and a copy of each would be, too."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    kind, length = _LENGTH.unpack(head)
    message = bytearray(length)
    room, at = memoryview(message), 0
    while at < length:
        n = stream.readinto(room[at : at + _PIECE])
        if not n:
            raise EOFError
        at += n
    return kind, message


# --- in the helper --------------------------------------------------------------------------------


def _serve() -> None:
    """Answer until the input ends, as it does when the caller does, however that comes about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller to deal with
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever GDCM prints is no answer
    while True:
        try:
            _, data = _receive(sys.stdin.buffer)
        except EOFError:
            return
        kind, *answer = _answer(data)
        _send(answers, bytes(kind), *answer)


def _answer(data: bytes | bytearray) -> tuple[bytes | memoryview, ...]:
    """P, the type and shape on a line, and the pixels; or F and what is wrong."""
    import numpy as np
    import pydicom
    from pydicom.pixels.utils import pixel_array

    try:
        pixels = pixel_array(pydicom.dcmread(io.BytesIO(data), force=True), index=0)
    except Exception as error:  # noqa: BLE001  any fault of a damaged file is told to the caller
        said = " ".join(str(error).split()) or type(error).__name__
        said = said.replace(NO_BUFFER, "no pixels came out")
        return b"F", said.rpartition("available plugins: ")[2].encode()  # pydicom's preface
    head = " ".join([pixels.dtype.str, *map(str, pixels.shape)]) + "\n"
    return b"P", head.encode(), np.ascontiguousarray(pixels).reshape(-1).view(np.uint8).data


if __name__ == "__main__":
    _serve()
