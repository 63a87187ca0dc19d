"""
Spool: the content of a message while its checks and its edits need the whole of it.

In memory up to a limit, beyond it in a file without a name in the temporary directory, which is a tmpfs: it is gone
when the worker is, whatever ends it.  One that is full or fails is a deferral: nothing was acknowledged, so nothing is
lost.
"""

import contextlib
import io
import mmap
import tempfile
from types import TracebackType
from typing import IO, Self

from gateway.message.failure import Deferral
from gateway.message.header import Buffer
from gateway.message.reply import own_fault

IN_MEMORY = 1_048_576  # octets of one message kept in memory; with more it moves to the file as a whole
FULL = own_fault(452, "4.3.1", "insufficient storage")


class Spool:
    """Collect content; give it as one buffer; hold nothing after close()."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self.octets = 0  # written so far
        self._in_memory = in_memory
        self._memory = io.BytesIO()  # not a list: slices of one octet would weigh forty times as much
        self._file: IO[bytes] | None = None
        self._buffer: Buffer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, content: bytes) -> None:
        """
        Add a slice.

        Raises:
            Deferral: the temporary directory is full or fails, or there is no descriptor for a file.
        """
        self.octets += len(content)
        if self.octets <= self._in_memory:
            self._memory.write(content)
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by close()
                _write(self._file, self._memory.getbuffer())
                self._memory = io.BytesIO()
            _write(self._file, memoryview(content))
        except OSError as error:
            raise _deferral(error) from None

    def buffer(self) -> Buffer:
        """
        Give all that was written; it is good until close().

        Raises:
            Deferral: there is no memory to map the file.
        """
        if self._buffer is None:
            self._buffer = self._memory.getvalue() if self._file is None else _map(self._file)
        return self._buffer

    def close(self) -> None:
        """Let go of memory and file."""
        buffer, self._buffer = self._buffer, None
        if isinstance(buffer, mmap.mmap):
            with contextlib.suppress(BufferError):  # a thread still looks at it; the last one out frees it
                buffer.close()
        if self._file is not None:
            self._file.close()
        self._file = None
        self._memory = io.BytesIO()


def _write(file: IO[bytes], view: memoryview) -> None:
    while view:
        view = view[file.write(view) :]


def _map(file: IO[bytes]) -> mmap.mmap:
    try:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise _deferral(error) from None


def _deferral(error: OSError) -> Deferral:
    return Deferral(FULL, cause=f"temporary directory: {error.strerror or error}")
