"""The page answers its owner whatever 1,000 half-open connections do.

Each sends the beginning of a request and nothing more, and is opened anew when the server closes
it. Meanwhile the page is asked for again and again: 200, within a second, each time.
"""

import contextlib
import http.client
import re
import resource
import socket
import subprocess
import threading
import time

import house

COUNT = 1000  # connections
ASKED = 40  # times
BEGINNINGS = (b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b")
SLOWEST = 1.0  # seconds


def drill(tally, folder):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    command = [*house.HANDGRAD, "play", "--no-browser", "--port", str(free_port())]
    with house.started(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        port = announced(server)
        ask(port)
        stop = threading.Event()
        holder = threading.Thread(target=hold, args=(port, tally.count, stop))
        holder.start()
        try:
            slowest, asked = watched(tally, port, holder)
        finally:
            stop.set()
            holder.join()
    return (
        f"{tally.count:,} half-open connections, the page asked for {asked} times: "
        f"slowest answer {slowest:.2f} s"
    )


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def announced(server):
    for line in server.stdout:
        if found := re.search(rb"127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise RuntimeError("handgrad play ended without an address")


def watched(tally, port, holder):
    slowest, asked, wait = 0.0, 0, min(0.5, max(tally.deadline - time.monotonic(), 0) / ASKED)
    for _ in range(ASKED):
        started = time.monotonic()
        told = ask(port)
        seconds = time.monotonic() - started
        slowest, asked = max(slowest, seconds), asked + 1
        tally.expect(told == 200, f"the page's owner gets {told} after {seconds:.2f} s")
        tally.expect(seconds <= SLOWEST, f"the page's owner waits {seconds:.2f} s")
        time.sleep(wait)
    return slowest, asked


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except OSError as error:
        return type(error).__name__
    finally:
        connection.close()


def hold(port, count, stop):
    """Keep so many connections half open, and open anew those that are closed."""
    with contextlib.ExitStack() as stack:
        held = [half_open(port, number, stack) for number in range(count)]
        while not stop.wait(0.2):
            for number, connection in enumerate(held):
                if is_closed(connection):
                    connection.close()
                    held[number] = half_open(port, number, stack)


def half_open(port, number, stack):
    connection = stack.enter_context(socket.socket())
    with contextlib.suppress(OSError):
        connection.settimeout(5)
        connection.connect(("127.0.0.1", port))
        connection.sendall(BEGINNINGS[number % len(BEGINNINGS)])
    connection.setblocking(False)
    return connection


def is_closed(connection):
    try:
        return connection.recv(1000) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
