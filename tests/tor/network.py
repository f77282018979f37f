"""A private Tor network on loopback: one authority, three exits, a client and an onion service, ready in some ten seconds.

To be used in a network namespace of its own: ports are fixed. Every tor ends with the process that started it, at the
latest 15 seconds later (__OwningControllerProcess).
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import harness
from harness import check, wait_until

AUTHORITY, EXITS, CLIENT, SERVICE = "authority", ("exit1", "exit2", "exit3"), "client", "service"
RELAYS = (AUTHORITY, *EXITS)
OR_PORTS = {name: 15000 + number for number, name in enumerate(RELAYS)}
DIR_PORT, SOCKS_PORT = 15100, 15200
# For each attempt: the interval of the votes, and how long after the start the first consensus is made. The vote is 2 s
# before that, and the relays' descriptors must be there by then: they need 2 s, or longer on a busy machine.
ATTEMPTS = ((5, 6), (10, 10), (20, 20))
CONSENSUS_PATIENCE_S = 10


class Network:
    """Started by start(), ended by close()."""

    def __init__(self, folder, dns_port, service_target_port):
        self.folder, self.service_target_port = folder, service_target_port
        self.tors = {}
        self.voting = None  # interval and offset, in seconds
        self.empty = folder / "empty"
        self.empty.write_bytes(b"")
        self.resolv = folder / "resolv.conf"
        self.resolv.write_text(f"nameserver 127.0.0.1:{dns_port}\n", encoding="ascii")
        self.authority_line = ""

    def home(self, name):
        return self.folder / name

    def start(self):
        """Start all nodes; afterwards the client has a consensus and circuits."""
        acknowledge_at_once()
        for name in (*RELAYS, CLIENT, SERVICE):
            (self.home(name) / "keys").mkdir(mode=0o700, parents=True)
            self.home(name).chmod(0o700)
        self.make_keys()
        for interval_s, lead_s in ATTEMPTS:
            if self.agree(interval_s, lead_s):
                break
            self.wipe()
        else:
            raise AssertionError("the authority made no consensus with all relays")
        for name in EXITS:  # their next fetch would be up to ten seconds away
            self.tors[name].send_signal(signal.SIGHUP)
        for name in (CLIENT, SERVICE):
            self.hand_over_directory(name)
            self.launch(name)
        for name in (CLIENT, SERVICE):
            wait_until(lambda name=name: "Bootstrapped 100%" in self.log(name), f"{name} is ready", 30)

    def make_keys(self):
        home = self.home(AUTHORITY)
        gencert = subprocess.Popen(
            ["tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "12", "-a", f"127.0.0.1:{DIR_PORT}",
             "-i", "keys/authority_identity_key", "-s", "keys/authority_signing_key", "-c", "keys/authority_certificate"],
            cwd=home, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        gencert.stdin.write(b"\n")
        gencert.stdin.close()
        listing = {name: subprocess.Popen(
            ["tor", "--list-fingerprint", "--quiet", "-f", self.empty, "--defaults-torrc", self.empty, "--Nickname", name, "--ORPort", "1",
             "--Address", "127.0.0.1", "--DataDirectory", self.home(name), "--DirAuthority", "xyzzy 127.0.0.1:1 " + "f" * 40],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for name in RELAYS}
        fingerprints = {name: "".join(process.communicate()[0].split()[1:]) for name, process in listing.items()}
        check(gencert.wait() == 0, "tor-gencert failed")
        certificate = (home / "keys" / "authority_certificate").read_text(encoding="ascii")
        identity = re.search(r"^fingerprint (\w+)", certificate, re.MULTILINE)[1]
        self.authority_line = (f"DirAuthority {AUTHORITY} orport={OR_PORTS[AUTHORITY]} no-v2 v3ident={identity} "
                               f"127.0.0.1:{DIR_PORT} {fingerprints[AUTHORITY]}")

    def agree(self, interval_s, lead_s):
        """Start the relays; return whether the first consensus has all of them."""
        self.voting = interval_s, int(time.time() + lead_s) % interval_s
        for name in RELAYS:
            self.launch(name)
        consensus = self.home(AUTHORITY) / "cached-microdesc-consensus"
        deadline = time.monotonic() + lead_s + CONSENSUS_PATIENCE_S
        while time.monotonic() < deadline and not consensus.exists():
            time.sleep(0.05)
        return consensus.exists() and len(re.findall(r"^r ", consensus.read_text(encoding="ascii"), re.MULTILINE)) == len(RELAYS)

    def wipe(self):
        self.close()
        for name in RELAYS:
            for entry in self.home(name).iterdir():
                if entry.name == "keys":
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def hand_over_directory(self, name):
        """Give a node what the authority knows, so that it need not fetch it."""
        for source in self.home(AUTHORITY).glob("cached-*"):
            target = source.name + (".new" if source.name == "cached-microdescs" else "")
            if source.name in ("cached-certs", "cached-microdesc-consensus", "cached-microdescs", "cached-microdescs.new"):
                shutil.copy(source, self.home(name) / target)

    def torrc(self, name):
        home = self.home(name)
        lines = ["TestingTorNetwork 1", f"DataDirectory {home}", f"Nickname {name}", "Address 127.0.0.1", "AddressDisableIPv6 1",
                 "RunAsDaemon 0", f"ControlSocket {home}/control", "CookieAuthentication 1", f"CookieAuthFile {home}/cookie",
                 f"__OwningControllerProcess {os.getpid()}", "ShutdownWaitLength 0", "NumCPUs 1", "AvoidDiskWrites 1",
                 "GeoIPFile /dev/null", "GeoIPv6File /dev/null", "SafeLogging 0", "LogTimeGranularity 1", f"Log notice file {home}/log",
                 self.authority_line]
        if name in RELAYS:
            lines += ["SocksPort 0", f"ORPort 127.0.0.1:{OR_PORTS[name]} IPv4Only", "AssumeReachable 1", "ContactInfo test@example.test",
                      "RefuseUnknownExits 0", f"ServerDNSResolvConfFile {self.resolv}", "ServerDNSDetectHijacking 0",
                      "ServerDNSTestAddresses", "ServerDNSAllowBrokenConfig 1"]
        if name in EXITS:
            lines += ["ExitRelay 1", "ExitPolicy accept 127.0.0.0/8:*", "ExitPolicy accept *:*"]
        if name == AUTHORITY:
            lines += ["ExitRelay 0", "AuthoritativeDirectory 1", "V3AuthoritativeDirectory 1", f"DirPort 127.0.0.1:{DIR_PORT}",
                      f"TestingV3AuthInitialVotingInterval {self.voting[0]}", "TestingV3AuthInitialVoteDelay 2",
                      "TestingV3AuthInitialDistDelay 2", f"TestingV3AuthVotingStartOffset {self.voting[1]}",
                      "V3AuthVotingInterval 300", "V3AuthVoteDelay 20", "V3AuthDistDelay 20", "V3AuthNIntervalsValid 2",
                      "AuthDirTestReachability 0", "TestingDirAuthVoteGuard *", "TestingDirAuthVoteHSDir *"]
        if name in (CLIENT, SERVICE):
            lines += ["ClientOnly 1", "LearnCircuitBuildTimeout 0", "CircuitBuildTimeout 30", "ConfluxEnabled 0",
                      "TestingClientMaxIntervalWithoutRequest 1 second"]
        if name == CLIENT:
            lines += [f"SocksPort 127.0.0.1:{SOCKS_PORT} ExtendedErrors"]
        if name == SERVICE:
            lines += ["SocksPort 0", f"HiddenServiceDir {home}/onion", f"HiddenServicePort 80 127.0.0.1:{self.service_target_port}"]
        return "\n".join(lines) + "\n"

    def launch(self, name):
        torrc = self.home(name) / "torrc"
        torrc.write_text(self.torrc(name), encoding="ascii")
        with open(self.home(name) / "output", "wb") as output:
            self.tors[name] = subprocess.Popen(["tor", "-f", torrc, "--defaults-torrc", self.empty], stdin=subprocess.DEVNULL,
                                               stdout=output, stderr=output)

    def log(self, name):
        try:
            return (self.home(name) / "log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return (self.home(name) / "output").read_text(encoding="utf-8", errors="replace")

    def onion(self):
        """The onion service's name."""
        return (self.home(SERVICE) / "onion" / "hostname").read_text(encoding="ascii").strip()

    def stop(self, name):
        """End one node at once, as a crash would."""
        self.tors[name].kill()
        self.tors.pop(name).wait()

    def close(self):
        for name in list(self.tors):
            self.stop(name)


def acknowledge_at_once():
    """Switch delayed acknowledgements off on this namespace's loopback: they cost tor, which waits for them, 40 ms a time."""
    for target in ("127.0.0.1", "127.0.0.0/8"):
        subprocess.run(["ip", "route", "replace", "table", "local", "local", target, "dev", "lo", "proto", "kernel", "scope", "host",
                        "src", "127.0.0.1", "quickack", "1"], check=True)


class Control:
    """The client's control port: asynchronous events as lines."""

    def __init__(self, network):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(harness.PATIENCE_SECONDS)
        self.socket.connect(str(network.home(CLIENT) / "control"))
        self.buffer = b""
        self.ask("AUTHENTICATE " + (network.home(CLIENT) / "cookie").read_bytes().hex())

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\r\n")
        line = self.line()
        check(line.startswith("250"), f"tor's answer to {command.split()[0]}: {line}")

    def line(self):
        while b"\r\n" not in self.buffer:
            data = self.socket.recv(1 << 16)
            check(data, "tor has closed its control port")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode(errors="replace")

    def line_with(self, pattern):
        """The match of the next line that has `pattern` in it."""
        while True:
            match = re.search(pattern, self.line())
            if match:
                return match

    def close(self):
        self.socket.close()
