"""An independent reader of session files: knows nothing but proto/session.proto and the framing told there.

A record becomes a dictionary: t_ns, connection, exchange, t_slack_ns where present; "event", the name of the event; and
the event's fields that are present, bytes as bytes, enums by name, repeated ones as lists.
"""
import re
from pathlib import Path

SCHEMA = Path(__file__).resolve().parents[2] / "proto" / "session.proto"
MAX_RECORD_BYTES = 1 << 20


class Damaged(Exception):
    """The file is not whole; .records are those before the damage."""

    def __init__(self, message, records):
        super().__init__(message)
        self.records = records


def load_schema():
    """Return (messages: {name: {number: (field, type, repeated)}}, enums: {name: {number: name}})."""
    source = re.sub(r"//[^\n]*", "", SCHEMA.read_text(encoding="utf-8"))
    enums = {name: {int(number): value for value, number in re.findall(r"(\w+)\s*=\s*(\d+)\s*;", body)}
             for name, body in re.findall(r"\benum\s+(\w+)\s*\{([^}]*)\}", source)}
    messages = {}
    for name, body in re.findall(r"^message\s+(\w+)\s*\{(.*?)^\}", source, re.MULTILINE | re.DOTALL):
        fields = re.findall(r"^\s*(optional |repeated |)(\w+)\s+(\w+)\s*=\s*(\d+)\s*;", body, re.MULTILINE)
        messages[name] = {int(number): (field, kind, label == "repeated ") for label, kind, field, number in fields}
    return messages, enums


MESSAGES, ENUMS = load_schema()
CRC_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    CRC_TABLE.append(_byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    table = CRC_TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("varint too long")


def fields(data):
    """The fields of an encoded message: (number, value, where it begins)."""
    at = 0
    while at < len(data):
        begin = at
        tag, at = varint(data, at)
        wire_type = tag & 7
        if wire_type == 0:
            value, at = varint(data, at)
        elif wire_type == 2:
            length, at = varint(data, at)
            if at + length > len(data):
                raise ValueError("field too long")
            value, at = data[at:at + length], at + length
        elif wire_type in (1, 5):
            size = 8 if wire_type == 1 else 4
            value, at = int.from_bytes(data[at:at + size], "little"), at + size
        else:
            raise ValueError(f"wire type {wire_type}")
        yield tag >> 3, value, begin


def scalar(kind, value):
    if kind in ENUMS:
        return ENUMS[kind].get(value, value)
    if kind in MESSAGES:
        return message(kind, value)
    if kind == "string":
        return value.decode()
    if kind.startswith("sint"):
        return value >> 1 ^ -(value & 1)
    return value


def message(name, data):
    result = {}
    for number, value, _ in fields(data):
        if number in MESSAGES[name]:
            field, kind, repeated = MESSAGES[name][number]
            if repeated:
                result.setdefault(field, []).append(scalar(kind, value))
            else:
                result[field] = scalar(kind, value)
    return result


def record(data, verify):
    result, crc_at, crc = {}, None, None
    for number, value, begin in fields(data):
        field, kind, _ = MESSAGES["Record"].get(number, ("unknown", "", False))
        if field == "crc32c":
            crc_at, crc = begin, value
        elif kind in MESSAGES:
            result["event"] = kind
            result.update(message(kind, value))
        else:
            result[field] = value
    if crc_at is None or crc_at + 6 != len(data):
        raise ValueError("no CRC at the end")
    if verify and crc32c(data[:crc_at]) != crc:
        raise ValueError("wrong CRC")
    return result


def read(path, verify=True):
    """Return the records of a whole session file; raise Damaged if it is not whole."""
    records = read_beginning(path, verify)
    if not records or records[-1].get("event") != "SessionEnd":
        raise Damaged("no SessionEnd", records)
    return records


def read_beginning(path, verify=True):
    """Return the records of a session file that may be cut off at its end; raise Damaged for any other fault."""
    data = Path(path).read_bytes()
    records, at = [], 0
    while at < len(data):
        try:
            length, begin = varint(data, at)
        except IndexError:
            break
        if begin + length > len(data):
            break
        if length > MAX_RECORD_BYTES:
            raise Damaged(f"record of {length} bytes at {at}", records)
        try:
            records.append(record(data[begin:begin + length], verify))
        except (ValueError, IndexError) as error:
            raise Damaged(f"{error} at {at}", records) from error
        at = begin + length
    return records


def of(records, *names, **values):
    """The records of the events called `names` (all, if none) whose fields have these values."""
    return [entry for entry in records if (not names or entry.get("event") in names)
            and all(entry.get(key) == value for key, value in values.items())]


def faults(records):
    """Losses and violations, but for handshakes that the client gave up: Chromium does so with connections made in advance."""
    return [entry for entry in of(records, "Violation", "Loss") if entry.get("kind") != "SOCKS_TRUNCATED"]


def connections(records):
    """The records by connection: {number: [record, …]}."""
    result = {}
    for entry in records:
        if "connection" in entry:
            result.setdefault(entry["connection"], []).append(entry)
    return result


def connection_from(records, port):
    """The records of the connection that came from the client's port."""
    start, = of(records, "ConnectionStart", client_port=port)
    return connections(records)[start["connection"]]


def exchanges(records):
    """One dictionary per HTTP exchange: url, method, status, sizes, causes, body data, times; in the order of requests."""
    result = {}
    hosts = {entry["connection"]: entry for entry in of(records, "SocksRequestStart")}
    for entry in records:
        if "exchange" not in entry:
            continue
        key = entry["connection"], entry["exchange"]
        exchange = result.setdefault(key, {"connection": key[0], "request_data": b"", "response_data": b""})
        event = entry["event"]
        if event == "HttpRequestStart":
            target = hosts[key[0]]
            exchange.update(method=entry["method"].decode(), path=entry["target"].decode(), host=target["host"].decode(),
                            port=target["port"], request_start=entry)
        elif event == "HttpResponseStart":
            exchange.update(status=entry["status"], response_start=entry)
        elif event == "HttpRequestEnd":
            exchange.update(request_bytes=entry["body_bytes"], request_cause=entry["cause"], request_end=entry)
        elif event == "HttpResponseEnd":
            exchange.update(response_bytes=entry["body_bytes"], response_cause=entry["cause"], response_end=entry)
        elif event == "HttpRequestBody":
            exchange["request_data"] += entry.get("data", b"")
        elif event == "HttpResponseBody":
            exchange["response_data"] += entry.get("data", b"")
    return list(result.values())
