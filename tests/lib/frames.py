"""HTTP/2 by hand (RFC 9113, RFC 7541): frames as bytes, and peers over TLS that send whatever they are given."""
import contextlib
import hashlib
import select
import socket
import ssl
import struct
import threading

import harness
import https
import socks
from harness import check

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def read_head(peer):
    """Read a frame's header from a socket; return (length, type, flags)."""
    head = socks.receive(peer, 9)
    return int.from_bytes(head[:3], "big"), head[3], head[4]


def integer(value, prefix_bits, pattern):
    """RFC 7541, 5.1."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([pattern | value])
    result, value = bytearray([pattern | most]), value - most
    while value >= 128:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes(result + bytes([value]))


def literal(name, value, pattern=0x00):
    """A field whose name and value are literal: 0x00 without indexing, 0x40 with (RFC 7541, 6.2)."""
    return bytes([pattern]) + integer(len(name), 7, 0) + name + integer(len(value), 7, 0) + value


def request_block(path):
    return b"".join(literal(*field) for field in ((b":method", b"GET"), (b":scheme", b"https"), (b":authority", https.SITE.encode()),
                                                  (b":path", path.encode())))


def indexed(index):
    return integer(index, 7, 0x80)


OPENING = {"TO_SERVER": PREFACE + frame(SETTINGS), "TO_CLIENT": frame(SETTINGS)}


class Origin:
    """A TLS server with ALPN "h2" that takes what comes, sends `answer` behind the first `wanted_bytes`, and closes when the client
    has; .digest is of all that came."""

    def __init__(self, box, certificates, answer, wanted_bytes=len(PREFACE)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate["ecdsa"], certificates.key["ecdsa"])
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.context, self.answer, self.wanted_bytes, self.digest = context, answer, wanted_bytes, hashlib.sha256()
        self.listener = box.listener()
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            peer, _ = self.listener.accept()
            peer.settimeout(harness.PATIENCE_SECONDS)
            with self.context.wrap_socket(peer, server_side=True, suppress_ragged_eofs=True) as tls:
                first = socks.receive(tls, self.wanted_bytes)
                self.digest.update(first)
                tls.sendall(OPENING["TO_CLIENT"] + self.answer)
                while data := tls.recv(1 << 16):
                    self.digest.update(data)

    def received(self):
        """The digest of all that came; the connection has ended."""
        self.thread.join(harness.PATIENCE_SECONDS)
        return self.digest.hexdigest()


class Asker:
    """A TLS client through the proxy, with ALPN "h2"; reads and writes at the same time."""

    def __init__(self, proxy_port, port, certificates, keylog):
        context = ssl.create_default_context(cafile=certificates.ca)
        context.keylog_filename = str(keylog)
        context.set_alpn_protocols(["h2"])
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=https.SITE)
        self.peer = socks.client(proxy_port, https.SITE, port)
        self.waiting = bytearray()  # records that are yet to be sent
        self.digest, self.received_bytes, self.last = hashlib.sha256(), 0, b""
        while not self.step(self.tls.do_handshake):
            self.move()

    @staticmethod
    def step(action):
        """Return whether the action could be done with what is there."""
        try:
            action()
            return True
        except ssl.SSLWantReadError:
            return False

    def move(self):
        """Send what can be sent, and read what has come."""
        self.waiting += self.outgoing.read()
        readable, writable, _ = select.select([self.peer], [self.peer] if self.waiting else [], [], harness.PATIENCE_SECONDS)
        check(readable or writable, "nothing moves")
        if writable:
            del self.waiting[:self.peer.send(memoryview(bytes(self.waiting[:1 << 18])), socket.MSG_DONTWAIT)]
        if readable:
            piece = self.peer.recv(1 << 18)
            check(piece, "the connection has ended")
            self.incoming.write(piece)

    def take(self):
        """Take all plaintext that is there."""
        while True:
            try:
                piece = self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                return
            self.digest.update(piece)
            self.received_bytes += len(piece)
            self.last = self.last[-100_000:] + piece

    def converse(self, data, answer_bytes, record_bytes=1 << 14):
        """Send `data` in records of that length, and read so many bytes; return the digest of these."""
        for at in range(0, len(data), record_bytes):
            self.tls.write(data[at:at + record_bytes])
        self.waiting += self.outgoing.read()
        self.take()
        while self.waiting or self.received_bytes < answer_bytes:
            self.move()
            self.take()
        return self.digest.hexdigest()

    def talk(self, data, wanted):
        """Send `data`, and read until `wanted` has come."""
        self.tls.write(data)
        self.waiting += self.outgoing.read()
        while self.waiting or wanted not in self.last:
            self.move()
            self.take()

    def close(self):
        """close_notify and FIN."""
        self.step(self.tls.unwrap)
        self.peer.sendall(self.outgoing.read())
        self.peer.close()
