"""tshark as a referee: the HTTP/2 frames of a capture, decrypted with a key log."""
import subprocess
import xml.etree.ElementTree as ET

DATA, HEADERS, PUSH_PROMISE, CONTINUATION = 0, 1, 5, 9


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
    side), to_server, time_ns (since 1970), stream, type, flags, len_bytes (of the payload, without padding) and, of whole
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
    padding = element.findall(".//field[@name='http2.padding']")
    length = number(element, "http2.length") - sum(int(field.get("size")) + 1 for field in padding)
    return {"type": kind, "flags": number(element, "http2.flags"), "stream": number(element, "http2.streamid"), "len_bytes": length,
            "headers": headers_of(element) if kind in (HEADERS, PUSH_PROMISE, CONTINUATION) else None}


def streams(capture, keylog, port):
    """({(client's port, stream): {"request", "response": [block, …] with headers as pairs, "request_bytes", "response_bytes"}},
    {the same: (when the server's first frame of the stream came, when its last one)})."""
    result, times = {}, {}
    for frame in frames(capture, keylog, port):
        if not frame["stream"] or frame["type"] not in (DATA, HEADERS, CONTINUATION):
            continue
        stream = result.setdefault((frame["port"], frame["stream"]), {"request": [], "response": [], "request_bytes": 0, "response_bytes": 0})
        if not frame["to_server"]:
            times.setdefault((frame["port"], frame["stream"]), [frame["time_ns"]])[1:] = [frame["time_ns"]]
        side = "request" if frame["to_server"] else "response"
        if frame["type"] == DATA:
            stream[f"{side}_bytes"] += frame["len_bytes"]
        elif frame["headers"] is not None:
            stream[side].append(frame["headers"])
    return result, times
