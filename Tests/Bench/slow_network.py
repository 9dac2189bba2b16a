"""A network that is far away, and a server that takes so much at once: what is sent waits, and what is too much waits in line.

    slow_network.py UPSTREAM_PORT SECONDS PLACES

prints its own port, then, each second, how many requests are in flight: sent by a client, and not answered yet.
"""

import asyncio
import sys


class Network:
    def __init__(self, upstream, delay, places):
        self.upstream = upstream
        #: One way, in seconds.
        self.delay = delay / 2
        #: What the server works at at the same time; the rest waits.
        self.places = asyncio.Semaphore(places)
        self.in_flight = 0
        self.answered = 0

    async def serve(self, client, to_client):
        """One connection, a request at a time, as HTTP/1.1 clients use it."""
        server, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            while True:
                head = await client.readuntil(b"\r\n\r\n")
                self.in_flight += 1
                try:
                    await self.answer(head, client, to_client, server, to_server)
                finally:
                    self.in_flight -= 1
                self.answered += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for each in (to_server, to_client):
                each.close()

    async def answer(self, head, client, to_client, server, to_server):
        method = head.split(b" ", 1)[0]
        body = await client.readexactly(length(head) or 0)
        await asyncio.sleep(self.delay)
        async with self.places:
            to_server.write(head + body)
            answer = await server.readuntil(b"\r\n\r\n")
            if method != b"HEAD" and not answer.startswith((b"HTTP/1.1 204", b"HTTP/1.1 304")):
                answer += await content(answer, server)
        await asyncio.sleep(self.delay)
        to_client.write(answer)
        await to_client.drain()


def length(head):
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return None


async def content(head, stream):
    size = length(head)
    if size is not None:
        return await stream.readexactly(size)
    if b"transfer-encoding: chunked" not in head.lower():
        return b""
    whole = b""
    while True:
        line = await stream.readuntil(b"\r\n")
        whole += line + await stream.readexactly(int(line, 16) + 2)
        if int(line, 16) == 0:
            return whole


async def main(upstream, delay, places):
    network = Network(upstream, delay, places)
    # A request with a large head is none of ours; one with a large body is read whole.
    server = await asyncio.start_server(network.serve, "127.0.0.1", 0, limit=1 << 20, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    begun = at = loop.time()
    samples, before = [], 0
    while True:
        await asyncio.sleep(0.05)
        samples.append(network.in_flight)
        if loop.time() - at >= 1:
            print(f"{loop.time() - begun:.1f} {sum(samples) / len(samples):.1f} {network.answered - before}", flush=True)
            at, before, samples = loop.time(), network.answered, []


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
