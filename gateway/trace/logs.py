"""
The form of log lines, human or JSON.

A record is one line: message, fields and traceback escaped.  Of an exception it shows type and places, never the
text, which may quote content.  Fields come as `extra={"fields": {...}}` and keep their order.  No line is longer
than MAX_LINE, so that a pipe takes it whole (see trace.pipe): what would be is written again with its values cut.

Log levels: ERROR a bug of ours, or a resource that ran out; WARNING gate 2 misbehaves; INFO start, stop, and one
line for each transaction; DEBUG the dialogue.
"""

import functools
import json
import logging
import sys
import time
import traceback
from typing import Any

from gateway.trace.escape import escape, quote
from gateway.trace.pipe import MAX_LINE

# Octets of a value, the larger ones tried first; message and traceback get six times as much.
_CUTS = (512, 96, 24)


@functools.lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _when(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}Z"


def _message(record: logging.LogRecord) -> str:
    """Give the message on one line; octets formatted by %s have been escaped by that, so backslashes stay single."""
    message = record.getMessage()
    return message if message.isascii() and message.isprintable() else escape(message)


def _traceback(record: logging.LogRecord) -> str:
    """Give files, lines and types of the exception and of those behind it, the first one first."""
    parts: list[str] = []
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        parts.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(reversed(parts))


def _cut(value: object, limit: int) -> object:
    """Give *value*, or the beginning of each text in it."""
    if isinstance(value, str) and len(value) > limit:
        return value[:limit] + "..."
    if isinstance(value, bytes) and len(value) > limit:
        return value[:limit] + b"..."
    return [_cut(item, limit) for item in value] if isinstance(value, list | tuple) else value


class _Formatter(logging.Formatter):
    """Lines of at most MAX_LINE octets, end included."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
        fields: dict[str, Any] = getattr(record, "fields", {})
        message = _message(record)
        trace = _traceback(record) if record.exc_info else ""
        line = self.line(record, message, fields, trace)
        for limit in _CUTS:
            if len(line) < MAX_LINE:
                break
            short = {key: _cut(value, limit) for key, value in fields.items()}
            line = self.line(record, message[: 6 * limit], short, trace[-6 * limit :])
        return line

    def line(self, record: logging.LogRecord, message: str, fields: dict[str, Any], trace: str) -> str:
        """Put a line together; *message* is escaped already, *trace* may be empty."""
        raise NotImplementedError


class HumanFormatter(_Formatter):
    """`time LEVEL message key=value ...`."""

    def line(self, record: logging.LogRecord, message: str, fields: dict[str, Any], trace: str) -> str:
        """Put a line together."""
        words = [_when(record), record.levelname, message]
        words += [f"{key}={_human(value)}" for key, value in fields.items()]
        if trace:
            words.append("traceback=" + quote(trace))
        return " ".join(words)


class JsonFormatter(_Formatter):
    """One object a line, keys `time`, `level`, `message`, those of the record, `traceback`."""

    def line(self, record: logging.LogRecord, message: str, fields: dict[str, Any], trace: str) -> str:
        """Put a line together."""
        line: dict[str, object] = {"time": _when(record), "level": record.levelname.lower(), "message": message}
        line |= {key: _json(value) for key, value in fields.items()}
        if trace:
            line["traceback"] = trace
        return json.dumps(line, ensure_ascii=True)


def _human(value: object) -> str:
    if isinstance(value, bytes | str):
        return quote(value) if value else "-"
    if isinstance(value, list | tuple):
        return quote(*value) if value else "-"
    if isinstance(value, dict):
        return ",".join([f"{key}:{_human(item)}" for key, item in value.items()])
    return str(value)


def _json(value: object) -> object:
    if isinstance(value, bytes | str):
        return escape(value)
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value


def set_up(log_format: str, log_level: str, handler: logging.Handler | None = None) -> None:
    """
    Send all log records to stdout, or wherever *handler* takes them.

    A log that cannot be written never stops mail: logging's own errors are dropped.

    Args:
        log_format: "human" or "json".
        log_level: "debug", "info", "warning" or "error".
        handler: In place of stdout.
    """
    handler = handler or logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter() if log_format == "json" else HumanFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(log_level.upper())
    logging.raiseExceptions = False
    # Asked of the system for each record otherwise, and shown by no line of ours.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # typeshed has none; new in Python 3.12
