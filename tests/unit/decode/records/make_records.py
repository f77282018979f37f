#!/usr/bin/env python3
"""Makes the record vectors of openssl.txt and padding.txt: python3 make_records.py, in this folder.

openssl.txt: connections between OpenSSL and itself, one for each suite, with their key log. padding.txt: records that
OpenSSL does not send on its own (padding, nothing inside, key updates), by the formulas of RFC 8446 with Python's
cryptography. The lines are described in test_tls_protection.c.
"""
import os
import ssl
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

TLS_1_3 = {"TLS_AES_128_GCM_SHA256": 0x1301, "TLS_AES_256_GCM_SHA384": 0x1302, "TLS_CHACHA20_POLY1305_SHA256": 0x1303}
TLS_1_2 = {
    "AES128-GCM-SHA256": 0x009C, "AES256-GCM-SHA384": 0x009D,
    "DHE-RSA-AES128-GCM-SHA256": 0x009E, "DHE-RSA-AES256-GCM-SHA384": 0x009F,
    "ECDHE-ECDSA-AES128-GCM-SHA256": 0xC02B, "ECDHE-ECDSA-AES256-GCM-SHA384": 0xC02C,
    "ECDHE-RSA-AES128-GCM-SHA256": 0xC02F, "ECDHE-RSA-AES256-GCM-SHA384": 0xC030,
    "ECDHE-RSA-CHACHA20-POLY1305": 0xCCA8, "ECDHE-ECDSA-CHACHA20-POLY1305": 0xCCA9, "DHE-RSA-CHACHA20-POLY1305": 0xCCAA,
}
MESSAGES = {"c": [b"GET / HTTP/1.1\r\n\r\n", b"x"], "s": [b"HTTP/1.1 200 OK\r\n\r\n", bytes(range(256)) * 2]}


def certificate(folder, kind):
    key = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if kind == "ECDSA" else ["rsa:2048"]
    path = os.path.join(folder, kind + ".pem")
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-subj", "/CN=test", "-newkey", *key, "-keyout", path,
                    "-out", path + ".crt"], check=True, stderr=subprocess.DEVNULL)
    return path + ".crt", path


def contexts(folder, name, version):
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(*certificate(folder, "ECDSA" if "ECDSA" in name else "RSA"))
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.keylog_filename = os.path.join(folder, "keys")
    for context in server, client:
        context.minimum_version = context.maximum_version = version
        if version == ssl.TLSVersion.TLSv1_2:
            context.set_ciphers(name)
    if name.startswith("DHE"):
        path = os.path.join(folder, "dh.pem")
        subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "dh_paramgen_prime_len:2048",
                        "-pkeyopt", "group:ffdhe2048", "-out", path], check=True)
        server.load_dh_params(path)
    return client, server


class Side:
    def __init__(self, context, server):
        self.incoming, self.outgoing, self.sent = ssl.MemoryBIO(), ssl.MemoryBIO(), b""
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server)

    def pass_on(self, other):
        data = self.outgoing.read()
        self.sent += data
        other.incoming.write(data)

    def records(self):
        at, found = 0, []
        while at < len(self.sent):
            end = at + 5 + int.from_bytes(self.sent[at + 3:at + 5], "big")
            found.append(self.sent[at:end])
            at = end
        return found


def talk(client, server):
    done = set()
    while len(done) < 2:
        for side, other in (client, server), (server, client):
            try:
                side.tls.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
            side.pass_on(other)
    for side, other, name in (client, server, "c"), (server, client, "s"):
        for message in MESSAGES[name]:
            side.tls.write(message)
            side.pass_on(other)
            assert other.tls.read(65536) == message


def key_log(folder):
    with open(os.path.join(folder, "keys"), encoding="ascii") as log:
        return {line.split()[0]: line.split()[1:] for line in log if not line.startswith("#")}


def connection(name, version):
    """Print what one connection of OpenSSL with itself sent."""
    with tempfile.TemporaryDirectory() as folder:
        contexts_of = contexts(folder, name, version)
        client, server = Side(contexts_of[0], False), Side(contexts_of[1], True)
        talk(client, server)
        keys = key_log(folder)
    print("#", client.tls.version(), client.tls.cipher()[0])
    assert client.tls.cipher()[0] == name
    for side, direction, label in (client, "c", "CLIENT"), (server, "s", "SERVER"):
        records = side.records()
        if version == ssl.TLSVersion.TLSv1_2:
            print(f"new12 {TLS_1_2[name]:04x} {direction} {keys['CLIENT_RANDOM'][1]} {client.records()[0][11:43].hex()}"
                  f" {server.records()[0][11:43].hex()}")
            first = [record[0] for record in records].index(20) + 1
            handshake = records[first:-2]
        else:
            print(f"new13 {TLS_1_3[name]:04x} {keys[label + '_TRAFFIC_SECRET_0'][1]}")
            handshake = records[-4:-2] if direction == "s" else []  # the server's two tickets
        for record in handshake:
            print("open 22 *", record.hex())
        for message, record in zip(MESSAGES[direction], records[-2:]):
            print("open 23", message.hex(), record.hex())


def expand(algorithm, secret, label, length):
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    return HKDFExpand(algorithm=algorithm, length=length, info=info).derive(secret)


def seal(suite, secret, sequence, inner):
    aead, algorithm, key_bytes = suite
    key, iv = expand(algorithm, secret, b"key", key_bytes), expand(algorithm, secret, b"iv", 12)
    nonce = (int.from_bytes(iv, "big") ^ sequence).to_bytes(12, "big")
    header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
    return (header + aead(key).encrypt(nonce, inner, header)).hex()


def by_formula():
    """Print records that OpenSSL does not send."""
    for number, suite in {0x1301: (AESGCM, hashes.SHA256(), 16), 0x1302: (AESGCM, hashes.SHA384(), 32),
                          0x1303: (ChaCha20Poly1305, hashes.SHA256(), 32)}.items():
        secret = bytes(range(suite[1].digest_size))
        print(f"# {number:04x}: padding, nothing inside, key updates\nnew13 {number:04x} {secret.hex()}")
        print("open 23", b"padded".hex(), seal(suite, secret, 0, b"padded\x17" + bytes(100)))
        print("open 22", (b"zeros\0\0").hex(), seal(suite, secret, 1, b"zeros\0\0\x16\0"))
        print("open 23 -", seal(suite, secret, 2, b"\x17"))
        print("open 23 -", seal(suite, secret, 3, b"\x17" + bytes(1000)))
        print("refuse", seal(suite, secret, 4, bytes(64)), "\nrefuse", seal(suite, secret, 4, b""))
        print("refuse", seal(suite, secret, 5, b"too early\x17"))
        print("open 22 1800000101", seal(suite, secret, 4, bytes.fromhex("180000010116")))
        for generation in range(3):
            secret = expand(suite[1], secret, b"traffic upd", suite[1].digest_size)
            print("update\nopen 23", b"next".hex(), seal(suite, secret, 0, b"next\x17"))
            print("open 23", b"more".hex(), seal(suite, secret, 1, b"more\x17"))


def with_suite(name):
    """Return what this script prints about a suite of TLS 1.3, which OpenSSL's configuration alone can choose."""
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:
        file.write(f"openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nCiphersuites={name}\n")
        file.write("[req]\ndistinguished_name=d\n[d]\n")
        file.flush()
        return subprocess.run([sys.executable, __file__, name], check=True, capture_output=True, text=True,
                              env=os.environ | {"OPENSSL_CONF": file.name}).stdout


def main():
    if len(sys.argv) > 1:
        connection(sys.argv[1], ssl.TLSVersion.TLSv1_3)
        return
    with open("openssl.txt", "w", encoding="ascii") as sys.stdout:
        print("# Made by make_records.py with", ssl.OPENSSL_VERSION)
        for name in TLS_1_3:
            print(with_suite(name), end="")
        for name in TLS_1_2:
            connection(name, ssl.TLSVersion.TLSv1_2)
    with open("padding.txt", "w", encoding="ascii") as sys.stdout:
        print("# Made by make_records.py")
        by_formula()


if __name__ == "__main__":
    main()
