"""
attachments: files by name, by what they are, and by what is in them.

Findings, beside the names of the groups of extensions:
executable   a program by its first octets, whatever its name (also the name of a group)
mismatch     declared as text, image, document …, and is something else
disguised    a name with characters that hide its extension; a zip that shows each reader other entries
encrypted    an archive that cannot be looked into for a password
bomb         an archive beyond a limit: octets, ratio, depth, entries, time, memory; or whose entries overlap
unreadable   an archive that is broken, or of a kind that is not looked into
traversal    a name in an archive that leads out of its directory
incomplete   there may be files that nobody has looked at: a limit was reached, or only the recipient's program opens it

Zip files are read in the worker, by their directory; whatever has to be unpacked goes to a child process.
Detail: the name, and what about it; of several the first.
"""

import asyncio
import contextlib
import functools
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from gateway.check import magic, names
from gateway.check.base import LARGE, CheckFailed
from gateway.check.claims import contradicts
from gateway.check.intext import files_in
from gateway.check.survey import OF_ARCHIVES, File, Reason, Survey
from gateway.check.unpacking import Event, unpack
from gateway.check.zipdir import Directory, Entry, TooMany, Unreadable, read_directory
from gateway.message.decoding import decoded, slices
from gateway.message.failure import Deferral
from gateway.message.header import Buffer
from gateway.message.mail import MailObject
from gateway.message.mime import Part
from gateway.message.spool import Spool
from gateway.message.verdict import Finding, Report

MAX_ARCHIVES = 20  # of one message that are looked into, each in a process of its own
UNPACK_S = 10.0  # seconds for all archives of a message together
CHILDREN = 2  # at once, of one worker
RATIO_FROM = 10 * 2**20  # octets declared, below which no ratio makes a bomb
# What is looked for in a zip: more archives, by name.
_INNER_NAMES = "7z ar bz2 cab cpio deb gz iso lha lz lz4 lzh lzma pkg rar rpm tar tbz tbz2 tgz txz xar xz z zip zst"
_INNER = frozenset(_INNER_NAMES.split())


def reported(keys: Mapping[str, Any]) -> set[str]:
    """Give the reasons that there may be under the settings of [checks.attachments]."""
    off = {reason for reason in ("mismatch", "encrypted") if not keys[reason]}
    if not keys["archives"]:
        off |= OF_ARCHIVES
    return {*keys["groups"], *(set(get_args(Reason)) - off)}


@dataclass(frozen=True, slots=True)
class Options:
    """Keys of [checks.attachments]."""

    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)  # finding -> extensions
    mismatch: bool = True
    encrypted: bool = True
    archives: bool = True
    max_depth: int = 3  # archives within archives
    max_entries: int = 10_000  # names in all archives of a message
    max_ratio: int = 100  # octets that may come out of one
    max_unpacked: int = 200 * 2**20  # octets that may come out of all archives of a message


class Attachments:
    """Look at files."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._options = options
        self._groups: dict[str, list[str]] = {}
        for group, extensions in options.groups.items():
            for extension in extensions:
                self._groups.setdefault(extension.lower(), []).append(group)
        self._children = asyncio.Semaphore(CHILDREN)

    async def examine(self, mail: MailObject) -> Report:
        """
        Report each reason once.

        Raises:
            CheckFailed: there is no room or no process for what has to be unpacked.
        """
        try:
            if len(mail.content) < LARGE:
                survey = self.survey(mail)
            else:
                survey = await asyncio.to_thread(self.survey, mail)
            if survey.archives:
                await self._unpack(survey)
        except Deferral as full:
            raise CheckFailed(str(full.cause)) from None
        except OSError as error:
            raise CheckFailed(f"no room to unpack: {error.strerror}") from None
        return Report([Finding(self._name, reason, detail) for reason, detail in survey.found.items()])

    def survey(self, mail: MailObject) -> Survey:
        """Look at what needs no unpacking."""
        survey = Survey()
        for part in mail.mime.parts:
            for name in part.names:
                self._look_at_name(name, survey)
            if not part.children:
                self._look_at_part(mail.content, part, survey)
            if part.is_sealed:
                survey.add("incomplete", f"{part.type} {part.encoding}, which only the recipient's program opens")
        if (limit := mail.mime.limit) is not None:
            survey.add("incomplete", f"{limit.kind} at octet {limit.place}")
        return survey

    def _look_at_part(self, content: Buffer, part: Part, survey: Survey) -> None:
        first = decoded(content, part, magic.HEAD)
        kind = magic.of(first)
        if kind or part.names:
            self._look_at_file(File(part.filename, functools.partial(slices, content, part)), kind, survey)
            for name in part.names or ("",):
                if self._options.mismatch and (claim := contradicts(part.type, names.extensions(name), kind)):
                    survey.add("mismatch", f"{name or part.type}: is {kind or 'none'}, declared as {claim}")
        if part.type.startswith(("text/", "multipart/")):
            for file, first in files_in(content, part, functools.partial(survey.add, "incomplete")):
                self._look_at_name(file.name, survey)
                self._look_at_file(file, magic.of(first), survey)
        elif not kind and part.stop - part.body > magic.ISO_HEAD and magic.iso(decoded(content, part, magic.ISO_HEAD)):
            self._look_at_file(File(part.filename, functools.partial(slices, content, part)), "iso", survey)

    # -- a name, a file

    def _look_at_name(self, name: str, survey: Survey, shown: str = "") -> None:
        directory = shown and name.endswith(("/", "\\"))  # in an archive; node_modules/chart.js/ is a common one
        extensions = [] if directory else names.extensions(name)
        self._look_at_extensions(extensions, survey, shown or name)
        if self._options.archives and magic.SEALED_NAMES.intersection(extensions[-1:]):
            survey.add("unreadable", f"{shown or name}: {extensions[-1]} is not looked into")
        if not (name.isascii() and name.isprintable() and "  " not in name) and (how := names.disguise(name)):
            survey.add("disguised", f"{shown or name}: {how}")

    def _look_at_extensions(self, extensions: Iterable[str], survey: Survey, shown: str) -> None:
        for extension in extensions:
            for group in self._groups.get(extension, ()):
                survey.add_group(group, shown)

    def _look_at_kind(self, kind: str, survey: Survey, shown: str) -> None:
        if kind in magic.EXECUTABLE:
            survey.add("executable", f"{shown}: is {kind}")
        if kind in magic.EXTENSION:
            self._look_at_extensions([magic.EXTENSION[kind]], survey, f"{shown}: is {kind}")
        if kind in magic.SEALED and self._options.archives:
            survey.add("unreadable", f"{shown}: {kind} is not looked into")

    def _look_at_file(self, file: File, kind: str, survey: Survey) -> None:
        self._look_at_kind(kind, survey, file.name)
        if not self._options.archives:
            return
        if kind == "zip":
            self._look_into_zip(file, survey)
        elif kind in magic.ARCHIVE:
            survey.archives.append(file)

    # -- zip files, by their directory

    def _look_into_zip(self, file: File, survey: Survey) -> None:
        with Spool() as spool:
            for piece in file.slices():
                spool.write(piece)
            data = spool.buffer()
            try:
                directory = read_directory(data, self._options.max_entries - survey.entries)
            except TooMany as error:
                survey.add("bomb", f"{file.name}: {error}")
            except Unreadable as error:
                survey.add("unreadable", f"{file.name}: {error}")
            else:
                self._look_at_directory(file.name, directory, len(data), survey)
                within = [self._look_at_entry(file.name, entry, data, survey) for entry in directory.entries]
                if any(within):
                    survey.archives.append(file)
                else:  # otherwise the child counts
                    survey.entries += len(directory.entries)
                    survey.unpacked += directory.unpacked

    def _look_at_directory(self, name: str, directory: Directory, octets: int, survey: Survey) -> None:
        unpacked = directory.unpacked
        if survey.unpacked + unpacked > self._options.max_unpacked:
            survey.add("bomb", f"{name}: {survey.unpacked + unpacked} octets would come out")
        if unpacked > max(RATIO_FROM, octets * self._options.max_ratio):
            survey.add("bomb", f"{name}: {unpacked} octets would come out of {octets}")
        if directory.overlapping:
            survey.add("bomb", f"{name}: entries overlap")
        for oddity in directory.oddities:
            survey.add("disguised", f"{name}: {oddity}")
        for unlisted in directory.unlisted:
            self._look_at_member(unlisted, survey, f"{name} > {unlisted}")

    def _look_at_entry(self, archive: str, entry: Entry, data: Buffer, survey: Survey) -> bool:
        """Look at one entry; tell whether it is an archive itself."""
        shown = f"{archive} > {entry.name}"
        for name in (entry.name, *entry.other_names):
            self._look_at_member(name, survey, f"{archive} > {name}")
        if entry.other_names:
            survey.add("disguised", f"{shown}: is {entry.other_names[0]} for other programs")
        if entry.encrypted:
            if self._options.encrypted:
                survey.add("encrypted", shown)
            return False
        kind = ""
        if entry.method == 0:
            kind = magic.of(data[entry.data : entry.data + min(entry.packed, magic.HEAD)])
            self._look_at_kind(kind, survey, shown)
        return kind in magic.ARCHIVE - {"zip"} or bool(_INNER.intersection(names.extensions(entry.name)[-1:]))

    def _look_at_member(self, name: str, survey: Survey, shown: str) -> None:
        self._look_at_name(name, survey, shown)
        if name.endswith("vbaProject.bin"):  # macros, whatever the document's own name
            self._look_at_extensions(["docm"], survey, shown)
        if names.leads_out(name):
            survey.add("traversal", shown)

    # -- what has to be unpacked

    async def _unpack(self, survey: Survey) -> None:
        deadline = asyncio.get_running_loop().time() + UNPACK_S
        if len(survey.archives) > MAX_ARCHIVES:
            survey.add("bomb", f"{len(survey.archives)} archives to unpack")
        for file in survey.archives[:MAX_ARCHIVES]:
            limits = {
                "depth": self._options.max_depth,
                "entries": max(self._options.max_entries - survey.entries, 0),
                "ratio": self._options.max_ratio,
                "unpacked": max(self._options.max_unpacked - survey.unpacked, 0),
            }
            async with self._children:
                with tempfile.TemporaryFile(buffering=0) as spooled:
                    await asyncio.to_thread(_spool, file, spooled.fileno())
                    async with contextlib.aclosing(unpack(spooled.fileno(), limits, deadline)) as events:
                        async for event in events:
                            self._hear(event, file.name, survey)

    def _hear(self, event: Event, archive: str, survey: Survey) -> None:
        what, path = event[:2]
        shown = f"{archive} > {path}"
        if what == "name":
            self._look_at_member(event[2], survey, shown)
        elif what == "kind":
            self._look_at_kind(event[2], survey, shown)
        elif what == "link" and names.leads_out(event[2]):
            survey.add("traversal", f"{shown} -> {event[2]}")
        elif what == "encrypted" and self._options.encrypted:
            survey.add("encrypted", shown)
        elif what == "bomb":
            survey.add("bomb", f"{archive}: {path}")
        elif what == "unreadable":
            survey.add("unreadable", f"{archive}: {path}")
        elif what == "done":
            survey.entries += int(event[1])
            survey.unpacked += int(event[2])


def _spool(file: File, descriptor: int) -> None:
    for piece in file.slices():
        view = memoryview(piece)
        while view:
            view = view[os.write(descriptor, view) :]
