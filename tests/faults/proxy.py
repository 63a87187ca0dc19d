"""
Proxies on the hops, so that a fault strikes at an exact phase: not where the load happens to be, but where it hurts.

Of the ways tried or thought of, this is the simplest that is exact and changes nothing in the appliance.  A NAT rule
in the network namespace of a hop's sender turns its connections to a listener of ours in the same namespace; from
there ours go on to where the sender wanted, from the sender's own address.  Both ends keep their addresses, settings
and generations.  Listener and sockets live in this process, for a socket belongs to the namespace in which it was
made (setns), so that a trap is a plain function call: octets are held, the trap kills or stops whom it wants by host
pid, and says what becomes of the octets.  When a container restarts, its namespace goes, and install() is repeated.

A silenced session stands for a blackhole: nothing passes in either direction, neither octets nor the end of a
connection, until both ends have given up by their own timers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.phases import Dialogue, Piece
from tests.faults.processes import inside
from tests.faults.traps import Then, Trap

if TYPE_CHECKING:
    from tests.faults.wire import Wire

MARK = 0x5A  # on our own connections, which the NAT rule lets pass
_SO_MARK, _SO_ORIGINAL_DST = 36, 80


class Session:
    """One connection through the proxy."""

    def __init__(self, hop: Hop, client: Any, server: Any) -> None:
        self.hop = hop
        self.dialogue = Dialogue(hop.name)
        self.client_reader, self.client_writer = client
        self.server_reader, self.server_writer = server
        self.cut = ""  # close, reset or silence, once a trap said so

    @property
    def sender_port(self) -> int:
        """Return the local port of the sender's socket."""
        return self.client_writer.get_extra_info("peername")[1]

    @property
    def our_port(self) -> int:
        """Return the port from which we speak to the receiver."""
        return self.server_writer.get_extra_info("sockname")[1]

    def break_off(self, how: str) -> None:
        """Close, reset or silence the connection at a moment of another; to be called in the loop."""
        self.cut = how
        if how != "silence":
            self._close()

    async def run(self) -> None:
        """Pass octets on until both sides have ended."""
        try:
            await asyncio.gather(
                self._pump(self.client_reader, self.server_writer, self.dialogue.client),
                self._pump(self.server_reader, self.client_writer, self.dialogue.server),
            )
        except OSError:
            pass  # either end reset its side, or a trap ended both
        finally:
            if self.dialogue.transaction is not None:
                self.hop.wire.note_broken(self.dialogue.transaction, self.hop.name)
            self.dialogue.ended()
            self._close()

    async def _pump(self, reader: Any, writer: Any, cut: Callable[[bytes], list[Piece]]) -> None:
        while data := await reader.read(65_536):
            if self.cut == "silence":
                continue
            for piece in cut(data):
                await self._pass(piece, writer)
        if self.cut != "silence" and writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()

    async def _pass(self, piece: Piece, writer: Any) -> None:
        if not self.cut:
            self.dialogue.enter(piece.moment)
        then = self.hop.spring(self, piece.moment) if piece.moment else Then()
        if then.after_s:
            await asyncio.sleep(then.after_s)
        if then.how == "answer":
            self.cut = "close"
            self.client_writer.write(then.answer)
            raise ConnectionAbortedError
        if then.how in ("close", "reset"):
            self.cut = then.how
            raise ConnectionAbortedError
        self.cut = self.cut or ("silence" if then.how == "silence" else "")
        if self.cut:
            return
        if piece.octets:
            writer.write(piece.octets)
            await writer.drain()
        if then.afterwards:
            then.afterwards()

    def _close(self) -> None:
        for writer in (self.client_writer, self.server_writer):
            with contextlib.suppress(OSError):
                if self.cut == "reset":
                    pack = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack)
                    writer.transport.abort()
                else:
                    writer.close()  # what is written still goes out


class Hop:
    """The connections from one container to a port."""

    def __init__(self, wire: Wire, name: str, port: int) -> None:
        self.wire, self.name, self.port = wire, name, port
        self.traps: list[Trap] = []
        self.sessions: set[Session] = set()
        self.dots = 0  # passed since traps were last taken away
        self.init = 0  # host pid whose network namespace we are in
        self._server: asyncio.Server | None = None
        self._makers: ThreadPoolExecutor | None = None  # its threads are in that namespace

    def install(self, init: int) -> None:
        """Stand in the way of new connections of a container, unless we do already."""
        if init == self.init:
            return
        descriptor = os.open(f"/proc/{init}/ns/net", os.O_RDONLY)
        makers = ThreadPoolExecutor(4, initializer=lambda: os.setns(descriptor, os.CLONE_NEWNET))
        listener = makers.submit(socket.create_server, ("127.0.0.1", 0), backlog=128).result()
        self.wire.call(self._listen(listener))
        self._makers, self.init = makers, init
        self._chain()
        rule = ("-p", "tcp", "--dport", str(self.port), "-m", "mark", "!", "--mark", str(MARK))
        to = ("-j", "REDIRECT", "--to-ports", str(listener.getsockname()[1]))
        self._table("-A", f"FAULT-{self.name}", *rule, *to)

    def leave(self) -> None:
        """Let new connections pass us by."""
        if self.init and Path(f"/proc/{self.init}").exists():
            self._table("-F", f"FAULT-{self.name}")

    def stop(self) -> None:
        """Accept no more; to be called in the loop."""
        if self._server is not None:
            self._server.close()

    def _chain(self) -> None:
        """Make our own chain anew; one may be there from a run that was interrupted."""
        chain = f"FAULT-{self.name}"
        if f"-N {chain}" in self._table("-S"):
            self._table("-F", chain)
        else:
            self._table("-N", chain)
            self._table("-A", "OUTPUT", "-p", "tcp", "-j", chain)

    def _table(self, *arguments: str) -> str:
        return inside(self.init, "iptables", "-w", "-t", "nat", *arguments)

    async def _listen(self, listener: socket.socket) -> None:
        if self._server is not None:
            self._server.close()
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=2**20)

    async def _accept(self, reader: Any, writer: Any) -> None:
        try:
            server = await self._connect(writer.get_extra_info("socket"))
        except OSError:  # refused: as the sender would have seen it, near enough
            writer.close()
            return
        session = Session(self, (reader, writer), server)
        self.sessions.add(session)
        try:
            await session.run()
        finally:
            self.sessions.discard(session)

    async def _connect(self, accepted: Any) -> Any:
        port, address = struct.unpack("!2xH4s8x", accepted.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16))
        loop = asyncio.get_running_loop()
        connection = await loop.run_in_executor(self._makers, socket.socket)
        connection.setsockopt(socket.SOL_SOCKET, _SO_MARK, MARK)
        connection.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(connection, (socket.inet_ntoa(address), port)), 10)
        except BaseException:
            connection.close()
            raise
        return await asyncio.open_connection(sock=connection, limit=2**20)

    def spring(self, session: Session, moment: str) -> Then:
        """Let a trap strike if this is its moment, and journal the blow."""
        self.dots += moment == "dot"
        for trap in self.traps:
            if trap.moment == moment and trap.due(self.dots):
                trap.struck.append(time.monotonic())
                self.wire.journal(trap.what, trap.phase)
                return trap.strike(session)
        return Then()

    def disarm(self) -> None:
        """Take all traps away."""
        self.traps.clear()
        self.dots = 0

    async def drop_idle(self) -> None:
        """End kept connections, so that the next message begins with a banner."""
        for session in list(self.sessions):
            if session.dialogue.transaction is None or session.dialogue.transaction.phase in ("c9", "c10"):
                session.client_writer.close()
                session.server_writer.close()
