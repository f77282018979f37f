"""Packet captures of loopback (tcpdump -w, nanoseconds, Ethernet) as TCP streams: when did which byte come first?"""
import bisect
import struct
from pathlib import Path

NANOSECOND_MAGIC = 0xA1B23C4D
ETHERNET, IPV4, TCP = 1, 0x0800, 6
SYN = 2


class Stream:
    """One direction of a TCP connection: the offsets of its segments, in order of first transmission, and their times."""

    def __init__(self, initial_sequence):
        self.next_sequence = (initial_sequence + 1) & 0xFFFFFFFF
        self.begins, self.times, self.parts = [], [], []
        self.len_bytes = 0
        self.whole = True

    def add(self, sequence, data, time_ns):
        ahead = (sequence - self.next_sequence) & 0xFFFFFFFF
        if ahead >= 1 << 31:  # sent again, at least in part
            overlap = (1 << 32) - ahead
            if overlap >= len(data):
                return
            data, ahead = data[overlap:], 0
        if ahead:
            self.whole = False  # tcpdump has missed a segment
            return
        self.begins.append(self.len_bytes)
        self.times.append(time_ns)
        self.parts.append(data)
        self.len_bytes += len(data)
        self.next_sequence = (self.next_sequence + len(data)) & 0xFFFFFFFF

    def time_of(self, offset):
        """When the segment with the byte at `offset` was seen (ns since 1970); None if it was not."""
        if not 0 <= offset < self.len_bytes:
            return None
        return self.times[bisect.bisect_right(self.begins, offset) - 1]

    def data(self):
        return b"".join(self.parts)


def read_streams(path):
    """The streams in a capture: {(source port, destination port): [Stream, …]}, each use of a pair of ports by itself."""
    data = Path(path).read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    if magic != NANOSECOND_MAGIC or link & 0xFFFF != ETHERNET:
        raise ValueError(f"{path}: not a nanosecond capture of Ethernet frames ({magic:#x}, {link})")
    streams, at = {}, 24
    while at + 16 <= len(data):
        seconds, nanoseconds, size, _ = struct.unpack_from("<IIII", data, at)
        begin, at = at + 16, at + 16 + size
        if at > len(data) or struct.unpack_from(">H", data, begin + 12)[0] != IPV4 or data[begin + 23] != TCP:
            continue
        ip = begin + 14
        tcp = ip + (data[ip] & 15) * 4
        source, destination, sequence = struct.unpack_from(">HHI", data, tcp)
        flags = data[tcp + 13]
        payload = data[tcp + (data[tcp + 12] >> 4) * 4:ip + struct.unpack_from(">H", data, ip + 2)[0]]
        key = source, destination
        if flags & SYN:
            known = streams.setdefault(key, [])
            if not known or known[-1].next_sequence != (sequence + 1) & 0xFFFFFFFF:
                known.append(Stream(sequence))
        elif payload and key in streams:
            streams[key][-1].add(sequence, payload, seconds * 1_000_000_000 + nanoseconds)
    return streams
