#!/usr/bin/env python3
"""Writes rfc8448.bin: the connection of RFC 8448, section 3, in the format of record.py.

The secrets and the protected records are those of ../records/rfc8448.txt; the hellos stand here. That all of them belong
together is proved by the server's Finished, which authenticates the hellos with the handshake's secret.
"""
import hashlib
import hmac
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
CLIENT_HELLO = bytes.fromhex("""
    010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7000006130113031302010000910000000b0009000006
    736572766572ff01000100000a00140012001d0017001800190100010101020103010400230000003300260024001d002099381de560e4bd43d23d8e
    435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e0403050306030203080408050806040105010601020104020502
    06020202002d00020101001c00024001""")
SERVER_HELLO = bytes.fromhex("""
    020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800130100002e00330024001d0020c9828876112095fe
    66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304""")
FINISHED_BYTES = 36


def read_records():
    """Return for each secret, in the order of the file, the secret and its (type, content, record)."""
    groups = []
    for line in (HERE.parent / "records/rfc8448.txt").read_text().splitlines():
        words = line.split()
        if words and words[0] == "new13":
            groups.append((words[2], []))
        elif words and words[0] == "open":
            groups[-1][1].append((int(words[1]), bytes.fromhex(words[2]), bytes.fromhex(words[3])))
    return groups


def check(secret, flight):
    """The server's Finished is the HMAC of all messages before it (RFC 8446, 4.4.4)."""
    label = b"\x00\x20\x0etls13 finished\x00\x01"
    key = hmac.digest(bytes.fromhex(secret), label, "sha256")
    transcript = hashlib.sha256(CLIENT_HELLO + SERVER_HELLO + flight[:-FINISHED_BYTES]).digest()
    assert hmac.digest(key, transcript, "sha256") == flight[-FINISHED_BYTES + 4:]


def main():
    server_handshake, client_handshake, server, client = read_records()
    check(server_handshake[0], server_handshake[1][0][1])
    labels = ("SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0",
              "CLIENT_TRAFFIC_SECRET_0")
    groups = (server_handshake, client_handshake, server, client)
    keys = "".join(f"{label} {CLIENT_HELLO[6:38].hex()} {secret}\n" for label, (secret, _) in zip(labels, groups))
    wire = [(b">", b"\x16\x03\x01" + len(CLIENT_HELLO).to_bytes(2, "big") + CLIENT_HELLO),
            (b"<", b"\x16\x03\x03" + len(SERVER_HELLO).to_bytes(2, "big") + SERVER_HELLO),
            (b"<", server_handshake[1][0][2]), (b">", client_handshake[1][0][2]), (b"<", server[1][0][2]),
            (b">", client[1][0][2]), (b"<", server[1][1][2]), (b">", client[1][1][2]), (b"<", server[1][2][2])]
    items = wire + [(b"C", client[1][0][1]), (b"S", server[1][1][1]), (b"K", keys.encode())]
    (HERE / "rfc8448.bin").write_bytes(b"".join(letter + len(data).to_bytes(4, "big") + data for letter, data in items))


if __name__ == "__main__":
    main()
