"""A TCP proxy whose connections can be cut, so that a client's reconnect is its own work."""

import asyncio


class Proxy:
    def __init__(self, target):
        host, port = target.split("//")[1].split("/")[0].split(":")
        self.target = (host, int(port))
        self.pairs = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        self.cut()

    async def handle(self, reader, writer):
        back_reader, back_writer = await asyncio.open_connection(*self.target)
        pair = (writer, back_writer)
        self.pairs.add(pair)

        async def pump(source, sink):
            try:
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            except (ConnectionError, asyncio.CancelledError):
                pass
            finally:
                sink.close()

        await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))
        self.pairs.discard(pair)

    def cut(self):
        """Resets every connection."""
        for pair in list(self.pairs):
            for side in pair:
                side.transport.abort()
        return len(self.pairs)
