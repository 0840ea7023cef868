"""Many connections in one thread.

A conversation is a generator of what it waits for: a descriptor and an event, or seconds.
"""

import functools
import heapq
import os
import re
import select
import socket
import ssl
import time

HOST = "127.0.0.1"


def together(conversations, at_once=1_000_000, patience=60):
    """Holds many conversations, so many at a time: what each came to, in order, None where it broke off.

    Where nobody says anything any more for `patience` seconds, all break off.
    """
    epoll, sleeping, waiting, results = select.epoll(), [], {}, {}
    coming = enumerate(conversations)
    running = 0

    def advance(number, conversation):
        nonlocal running
        try:
            wish = next(conversation)
        except (StopIteration, OSError) as end:
            results[number] = getattr(end, "value", None)
            running -= 1
            return
        if isinstance(wish, tuple):
            epoll.register(*wish)
            waiting[wish[0]] = (number, conversation)
        else:
            heapq.heappush(sleeping, (time.monotonic() + wish, number, conversation))

    while True:
        while running < at_once and (one := next(coming, None)):
            running += 1
            results[one[0]] = None
            advance(*one)
        if not running:
            break
        pause = max(0, sleeping[0][0] - time.monotonic()) if sleeping else patience
        events = epoll.poll(pause)
        if not events and not sleeping:
            break
        for descriptor, _ in events:
            epoll.unregister(descriptor)
            advance(*waiting.pop(descriptor))
        while sleeping and sleeping[0][0] <= time.monotonic():
            advance(*heapq.heappop(sleeping)[1:])
    epoll.close()
    return [results[number] for number in range(len(results))]


def patiently(connection, act, event):
    """Repeats what must not block until it is done."""
    while True:
        try:
            return act()
        except ssl.SSLWantWriteError:
            event = select.EPOLLOUT
        except ssl.SSLWantReadError:
            event = select.EPOLLIN
        except BlockingIOError:
            pass
        yield connection.fileno(), event


def arrive(port, context=None, receive_buffer=None):
    """Connects, and shakes hands where there is a context."""
    connection = socket.socket()
    connection.setblocking(False)
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if connection.connect_ex((HOST, port)):
        yield connection.fileno(), select.EPOLLOUT
    if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))
    if context:
        connection = context.wrap_socket(connection, server_hostname=HOST, do_handshake_on_connect=False)
        yield from patiently(connection, connection.do_handshake, select.EPOLLIN)
    return connection


def send(connection, data):
    left = memoryview(data)
    while left:
        sent = yield from patiently(connection, functools.partial(connection.send, left), select.EPOLLOUT)
        left = left[sent:]


def ask(connection, question):
    """The status of a complete answer."""
    yield from send(connection, question)
    answer, length = b"", None
    while length is None or len(answer) < length:
        more = yield from patiently(connection, lambda: connection.recv(65536), select.EPOLLIN)
        if not more:
            return None
        answer += more
        if length is None and b"\r\n\r\n" in answer:
            head = answer.partition(b"\r\n\r\n")[0]
            length = len(head) + 4 + int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1])
    return int(answer.split(b" ", 2)[1])


def has_ended(connection):
    try:
        return not connection.recv(65536)
    except BlockingIOError:
        return False
