#!/usr/bin/env python3
"""A web server whose chunk sizes are followed by a blank, which clients accept with a warning.

Prints its port. It answers on every address of 127/8, one connection for each request.
"""

import selectors
import socket

RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: odd\r\nContent-Type: text/plain\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"100 \r\n" + b"x" * 0x100 + b"\r\n0\r\n\r\n"
)


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", 0))
    listener.listen(4096)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            if key.fileobj is listener:
                accept_all(listener, ready)
            else:
                answer(key.fileobj, ready)


def accept_all(listener, ready):
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        connection.setblocking(False)
        ready.register(connection, selectors.EVENT_READ)


def answer(connection, ready):
    """Answers a request, which is taken to come in one piece."""
    ready.unregister(connection)
    try:
        if connection.recv(4096):
            connection.send(RESPONSE)
    except OSError:
        pass
    connection.close()


if __name__ == "__main__":
    main()
