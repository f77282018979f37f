"""HTTP/2 by hand (RFC 9113, RFC 7541): frames as bytes, and peers over TLS that send whatever they are given."""
import contextlib
import hashlib
import socket
import ssl
import struct
import threading

import harness
import https
import socks

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


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
    """A TLS server with ALPN "h2" that takes what comes, sends `answer` as soon as the client's preface is there, and closes
    when the client has; .digest is of all that came."""

    def __init__(self, box, certificates, answer):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate["ecdsa"], certificates.key["ecdsa"])
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.context, self.answer, self.digest = context, answer, hashlib.sha256()
        self.listener = box.listener()
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            peer, _ = self.listener.accept()
            peer.settimeout(harness.PATIENCE_SECONDS)
            with self.context.wrap_socket(peer, server_side=True, suppress_ragged_eofs=True) as tls:
                first = socks.receive(tls, len(PREFACE))
                self.digest.update(first)
                tls.sendall(OPENING["TO_CLIENT"] + self.answer)
                while data := tls.recv(1 << 16):
                    self.digest.update(data)

    def received(self):
        """The digest of all that came; the connection has ended."""
        self.thread.join(harness.PATIENCE_SECONDS)
        return self.digest.hexdigest()


def connect(proxy_port, origin, certificates, keylog):
    """A TLS client through the proxy."""
    context = ssl.create_default_context(cafile=certificates.ca)
    context.keylog_filename = str(keylog)
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(socks.client(proxy_port, https.SITE, origin.port), server_hostname=https.SITE)


def send_tiny(tls, data):
    """Send each byte in a TLS record of its own; few packets."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    raise NotImplementedError((tls, data, incoming, outgoing))


def exchange(tls, data, answer_len, send=None):
    """Send all of `data`, read the opening and an answer of that length; return the digest of what came."""
    reader_digest = hashlib.sha256()

    def read():
        missing = len(OPENING["TO_CLIENT"]) + answer_len
        while missing and (piece := tls.recv(min(missing, 1 << 16))):
            reader_digest.update(piece)
            missing -= len(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    (send or tls.sendall)(data)
    reader.join(harness.PATIENCE_SECONDS)
    with contextlib.suppress(OSError):
        tls.shutdown(socket.SHUT_WR)
    return reader_digest.hexdigest()
