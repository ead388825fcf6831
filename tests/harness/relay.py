# SPDX-License-Identifier: MIT
"""What stands between programs on loopback, passes on what they say, and cuts them off from each other.

    with Relay([("127.0.0.1", port)]) as relay:
        start_client(relay.ports[0])
        relay.cut()     # both keep their connections, and hear nothing more
        relay.mend()    # those connections end, and new ones are passed on

It works in a thread of its own, since a test stands still while it calls a program."""

import asyncio
import functools
import threading

from harness.ports import free_ports

HOST = "127.0.0.1"
PIECE = 1 << 16


@functools.cache
def _loop():
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="relays", daemon=True).start()
    return loop


def _run(work):
    """Has it done in the relays' thread; what it returns."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


class Connection:
    """Of one client to the target of that place. `said`: the newest piece of what the client has said; `origin`: for
    who has found out by it who that is."""

    def __init__(self, place, client, server):
        self.place, self.writers, self.said, self.origin = place, (client, server), b"", None

    def close(self):
        for writer in self.writers:
            writer.transport.abort()


class Relay:
    """A port of its own in front of each target, an address and a port."""

    def __init__(self, targets):
        self.targets, self.ports = list(targets), free_ports(len(targets))
        self.pieces = 0  # of what clients have said, as they came
        self.trap = None  # (number of a piece, whether it is passed on, what is done then)
        self.is_cut = lambda connection: False  # asked for each piece
        self._servers, self._connections = [], set()

    def __enter__(self):
        for place, port in enumerate(self.ports):
            self._servers.append(_run(asyncio.start_server(functools.partial(self._serve, place), HOST, port)))
        return self

    def __exit__(self, *_):
        _run(self._close_all(self._servers))

    def cut(self):
        self.is_cut = lambda connection: True

    def mend(self):
        self.is_cut = lambda connection: False
        _run(self._close_all([]))

    def set_trap(self, number, passes, action):
        """At the piece that is `number` more than those until now: after it was passed on, or in its place."""
        self.trap = self.pieces + number, passes, action

    # ---- in the relays' thread ----

    async def _close_all(self, servers):
        for server in servers:
            server.close()
        for connection in list(self._connections):
            connection.close()

    async def _serve(self, place, reader, writer):
        try:
            there, back = await asyncio.open_connection(*self.targets[place])
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(place, writer, back)
        self._connections.add(connection)
        await asyncio.gather(self._pass(connection, reader, back, True), self._pass(connection, there, writer, False),
                             return_exceptions=True)
        self._connections.discard(connection)
        connection.close()

    async def _pass(self, connection, reader, writer, is_client):
        while piece := await reader.read(PIECE):
            if is_client:
                connection.said = piece
            if self.is_cut(connection):
                continue  # nothing of it comes through any more
            if is_client and self._springs():
                return
            writer.write(piece)
            await writer.drain()
        connection.close()

    def _springs(self):
        """Whether this piece is not passed on. If one is to be, what is done then follows it in the next turn."""
        self.pieces += 1
        if self.trap is None or self.pieces < self.trap[0]:
            return False
        (_, passes, action), self.trap = self.trap, None
        if passes:
            _loop().call_soon(action)
        else:
            action()
        return not passes
