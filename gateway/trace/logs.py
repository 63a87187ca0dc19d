"""
The form of log lines, human or JSON, on stdout, from where supervisor takes them to the container's log.

A record is one line: message, fields and traceback escaped.  Of an exception it shows type and places, never the
text, which may quote content.  Fields come as `extra={"fields": {...}}` and keep their
order.  A log that cannot be written never stops mail: logging's own errors are dropped.

Log levels: ERROR a bug of ours, or a resource that ran out; WARNING gate 2 misbehaves; INFO start, stop, and one
line for each transaction; DEBUG the dialogue.
"""

import json
import logging
import sys
import time
import traceback
from typing import Any

from gateway.trace.escape import escape, quote


def _when(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"


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


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields


class HumanFormatter(logging.Formatter):
    """`time LEVEL message key=value ...`."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
        words = [_when(record), record.levelname, _message(record)]
        words += [f"{key}={_human(value)}" for key, value in _fields(record).items()]
        if record.exc_info:
            words.append("traceback=" + quote(_traceback(record)))
        return " ".join(words)


class JsonFormatter(logging.Formatter):
    """One object a line, keys `time`, `level`, `message`, those of the record, `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
        line: dict[str, object] = {
            "time": _when(record),
            "level": record.levelname.lower(),
            "message": _message(record),
        }
        line |= {key: _json(value) for key, value in _fields(record).items()}
        if record.exc_info:
            line["traceback"] = _traceback(record)
        return json.dumps(line, ensure_ascii=True)


def _human(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}:{_human(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return quote(*value) if value else "-"
    if isinstance(value, str | bytes):
        return quote(value) if value else "-"
    return str(value)


def _json(value: object) -> object:
    if isinstance(value, bytes):
        return escape(value)
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value


def set_up(log_format: str, log_level: str, handler: logging.Handler | None = None) -> None:
    """
    Send all log records to stdout, or wherever *handler* takes them.

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
