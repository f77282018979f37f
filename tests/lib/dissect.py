"""tshark as a referee: the HTTP/2 frames of a capture, decrypted with a key log."""
import subprocess
import xml.etree.ElementTree as ET

from frames import ACK, CONTINUATION, DATA, END_HEADERS, GOAWAY, HEADERS, PADDED, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS

HAS_PRIORITY = 0x20


def number(field, name):
    found = field.find(f".//field[@name='{name}']")
    return None if found is None else int(found.get("show"), 0)


def headers_of(element):
    """[(name, value)] of a frame with a whole header block; None if tshark has none for it."""
    found = element.findall(".//field[@name='http2.header']")
    pairs = []
    for field in found:
        texts = [field.find(f"field[@name='http2.header.{what}']").get("show") for what in ("name", "value")]
        pairs.append(tuple(texts))
    return pairs if found else None


def frames(capture, keylog, port):
    """Yield the HTTP/2 frames on connections to the server's `port`, in order of time: dictionaries with port (of the client's
    side), to_server, time_ns (since 1970), stream, type, flags, data_bytes (without padding), controls (see there) and, of whole
    blocks, headers."""
    words = ["tshark", "-r", capture, "-o", f"tls.keylog_file:{keylog}", "-d", f"tcp.port=={port},tls", "-2", "-R", f"http2 && tcp.port=={port}",
             "-T", "pdml", "-J", "frame tcp http2"]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tshark:
        for _, packet in ET.iterparse(tshark.stdout):
            if packet.tag != "packet":
                continue
            tcp = packet.find("proto[@name='tcp']")
            seconds, _, fraction = packet.find("proto[@name='frame']/field[@name='frame.time_epoch']").get("show").partition(".")
            time_ns = int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0"))
            source, destination = number(tcp, "tcp.srcport"), number(tcp, "tcp.dstport")
            for proto in packet.findall("proto[@name='http2']"):
                for element in proto.findall("field[@name='http2.stream']"):
                    frame = one(element)
                    if frame:
                        yield {**frame, "port": source if destination == port else destination, "to_server": destination == port,
                               "time_ns": time_ns}
            packet.clear()
    if tshark.returncode:
        raise AssertionError(f"tshark: {tshark.returncode}")


def one(element):
    kind = number(element, "http2.type")
    if kind is None:
        return None  # the preface
    flags, stream = number(element, "http2.flags"), number(element, "http2.streamid")
    return {"type": kind, "flags": flags, "stream": stream, "data_bytes": data_bytes(element, flags) if kind == DATA else 0,
            "controls": controls(element, kind, flags, stream), "headers": headers_of(element) if kind in (HEADERS, PUSH_PROMISE, CONTINUATION) else None}


def data_bytes(element, flags):
    length = number(element, "http2.length")
    return length - number(element, "http2.pad_length") - 1 if flags & PADDED else length


def controls(element, kind, flags, stream):
    """[(name of the session's event, values)] of what a frame does beside carrying a message."""
    if kind == SETTINGS:
        return [("Http2Settings", bool(flags & ACK), [setting(field) for field in element.findall("field[@name='http2.settings']")])]
    if kind == RST_STREAM:
        return [("Http2Reset", stream, number(element, "http2.rst_stream.error"))]
    if kind == PING:
        return [("Http2Ping", bool(flags & ACK))]
    if kind == GOAWAY:
        return [("Http2GoAway", number(element, "http2.goaway.last_stream_id"), number(element, "http2.goaway.error"))]
    if kind == PRIORITY or kind == HEADERS and flags & HAS_PRIORITY:
        return [("Http2Priority", stream, number(element, "http2.headers.weight") + 1, number(element, "http2.stream_dependency"),
                 bool(number(element, "http2.exclusive")))]
    return []


def setting(field):
    """(identifier, value): the value's field is called by its identifier."""
    value, = [child.get("value") for child in field if child.get("name") != "http2.settings.id"]
    return number(field, "http2.settings.id"), int(value, 16)


def streams(capture, keylog, port):
    """({(client's port, stream): {"request", "response": [block, …] with headers as pairs, "request_bytes", "response_bytes"}},
    {the same: (when the server's first frame of the stream came, when its last one)}, {(client's port, to the server?): controls})."""
    result, times, beside = {}, {}, {}
    begun = {}  # header blocks of which fields have been seen, and not the end
    for frame in frames(capture, keylog, port):
        if frame["controls"]:
            beside.setdefault((frame["port"], frame["to_server"]), []).extend(frame["controls"])
        if not frame["stream"] or frame["type"] not in (DATA, HEADERS, CONTINUATION):
            continue
        stream = result.setdefault((frame["port"], frame["stream"]), {"request": [], "response": [], "request_bytes": 0, "response_bytes": 0})
        if not frame["to_server"]:
            times.setdefault((frame["port"], frame["stream"]), [frame["time_ns"]])[1:] = [frame["time_ns"]]
        side = "request" if frame["to_server"] else "response"
        if frame["type"] == DATA:
            stream[f"{side}_bytes"] += frame["data_bytes"]
        elif frame["headers"] is not None:
            if frame["type"] == HEADERS or not begun.pop((frame["port"], frame["stream"], side), False):
                stream[side].append([])
            stream[side][-1] += frame["headers"]
            if not frame["flags"] & END_HEADERS:
                begun[frame["port"], frame["stream"], side] = True
    return result, times, beside
