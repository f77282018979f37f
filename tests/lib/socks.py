"""SOCKS5 by hand (RFC 1928, RFC 1929): messages as bytes, clients, and upstream proxies that do as they are told."""
import ipaddress
import socket
import struct
import threading

PATIENCE_SECONDS = 20
NO_AUTH, GSSAPI, PASSWORD, NONE_ACCEPTABLE = 0, 1, 2, 255
CONNECT, BIND, UDP_ASSOCIATE, RESOLVE, RESOLVE_PTR = 1, 2, 3, 0xF0, 0xF1
IPV4, DOMAIN, IPV6 = 1, 3, 4


def greeting(*methods):
    return bytes([5, len(methods), *methods])


def credentials(user, password):
    return bytes([1, len(user)]) + user + bytes([len(password)]) + password


def address(kind, host, port):
    """ATYP, address, port; `host` is text for addresses, text or bytes for names."""
    if kind == DOMAIN:
        name = host if isinstance(host, bytes) else host.encode()
        packed = bytes([len(name)]) + name
    else:
        packed = ipaddress.ip_address(host).packed
    return bytes([kind]) + packed + struct.pack(">H", port)


def request(command, kind, host, port):
    return bytes([5, command, 0]) + address(kind, host, port)


def reply(code, kind=IPV4, host="0.0.0.0", port=0):
    return bytes([5, code, 0]) + address(kind, host, port)


def receive(peer, size):
    """Read exactly that many bytes; fewer at the end of the stream."""
    data = bytearray()
    while len(data) < size:
        piece = peer.recv(size - len(data))
        if not piece:
            break
        data += piece
    return bytes(data)


def receive_all(peer):
    """Read until the end of the stream."""
    data = bytearray()
    while piece := peer.recv(1 << 16):
        data += piece
    return bytes(data)


def receive_reply(peer):
    """Read one SOCKS reply or request and return its bytes (what there is of it, if the stream ends)."""
    data = receive(peer, 5)
    if len(data) < 5:
        return data
    size = {IPV4: 4, IPV6: 16, DOMAIN: data[4] + 1, 0: 4}[data[3]]
    return data + receive(peer, size - 1 + 2)


receive_request = receive_reply


def dial(port, host="127.0.0.1"):
    """A TCP connection to a loopback port."""
    peer = socket.create_connection((host, port), PATIENCE_SECONDS)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def accept(listener):
    peer, _ = listener.accept()
    peer.settimeout(PATIENCE_SECONDS)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def reset(peer):
    """Close with RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def client(proxy_port, host, port, kind=DOMAIN):
    """A connection through the proxy, past the handshake."""
    peer = dial(proxy_port)
    code = handshake(peer, request(CONNECT, kind, host, port))[1]
    if code:
        peer.close()
        raise ConnectionError(f"SOCKS reply {code:#04x}")
    return peer


def handshake(peer, message, user=None):
    """Do the client's part of a handshake and return the reply to the request `message`."""
    peer.sendall(greeting(NO_AUTH if user is None else PASSWORD))
    chosen = receive(peer, 2)
    if chosen != bytes([5, NO_AUTH if user is None else PASSWORD]):
        raise ConnectionError(f"method reply {chosen!r}")
    if user is not None:
        peer.sendall(credentials(*user))
        status = receive(peer, 2)
        if status != b"\x01\x00":
            raise ConnectionError(f"authentication reply {status!r}")
    peer.sendall(message)
    return receive_reply(peer)


def serve_greeting(peer, method=NO_AUTH):
    """The upstream's part: read the greeting, choose a method; return the methods offered."""
    version, count = receive(peer, 2)
    methods = receive(peer, count)
    peer.sendall(bytes([version, method]))
    return methods


def serve_credentials(peer, status=0):
    """Read user name and password as sent (the whole message), answer, return it."""
    head = receive(peer, 2)
    user = receive(peer, head[1])
    length = receive(peer, 1)
    message = head + user + length + receive(peer, length[0])
    peer.sendall(bytes([1, status]))
    return message


class Relay:
    """A working upstream: a SOCKS5 server on a free loopback port that knows `names` ({name: address}) and literals."""

    def __init__(self, names=()):
        self.names = dict(names)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.peers = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer)
            threading.Thread(target=self.converse, args=(peer,), daemon=True).start()

    def converse(self, peer):
        try:
            serve_greeting(peer)
            message = receive_request(peer)
            host = message[5:-2].decode() if message[3] == DOMAIN else str(ipaddress.ip_address(message[4:-2]))
            port, = struct.unpack(">H", message[-2:])
            try:
                target = socket.create_connection((self.names.get(host, host), port))
            except OSError:
                peer.sendall(reply(5))
                return
            self.peers.append(target)
            peer.sendall(reply(0))
            back = threading.Thread(target=self.copy, args=(target, peer), daemon=True)
            back.start()
            self.copy(peer, target)
            back.join()
            target.close()
        except OSError:
            pass
        finally:
            peer.close()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        """Go away with all that is open, as a proxy that is killed."""
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self.listener.close()
        for peer in self.peers:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
