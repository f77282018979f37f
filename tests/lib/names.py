"""A small name server (RFC 1035) for tests, on a UDP port of loopback."""
import ipaddress
import socket
import struct
import threading

A, AAAA = 1, 28
NXDOMAIN, SERVFAIL = 3, 2


class NameServer:
    """Answers from `names` ({name: [address, …]}); other names do not exist; those in `broken` give SERVFAIL, those in `mute` nothing."""

    def __init__(self, names, port=0, broken=(), mute=()):
        self.names = {name.lower(): [ipaddress.ip_address(text) for text in addresses] for name, addresses in names.items()}
        self.broken, self.mute = set(broken), set(mute)
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, sender = self.socket.recvfrom(4096)
            answer = self.answer(query)
            if answer:
                self.socket.sendto(answer, sender)

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += query[at] + 1
        name = ".".join(labels).lower()
        kind, = struct.unpack_from(">H", query, at + 1)
        question = query[12:at + 5]  # repeated byte for byte: Tor's exits ask in random upper and lower case
        self.asked.append(name)
        if name in self.mute:
            return None
        code = SERVFAIL if name in self.broken else 0 if name in self.names else NXDOMAIN
        found = [address.packed for address in self.names.get(name, []) if kind == (A if address.version == 4 else AAAA)]
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(packed)) + packed for packed in found)
        return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found), 0, 0) + question + records
