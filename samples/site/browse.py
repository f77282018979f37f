#!/usr/bin/env python3
"""Load the sample page with a browser through the proxy that ALL_PROXY names, and end when the page is complete.

The page is complete when the site's access log has the page's own report and nothing is on its way any more. Exit
status: 0 the page was loaded, 1 it was not, 77 there is no such browser.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import content

MISSING = 77
QUIET_SECONDS = 0.4
NOWHERE = "http://127.0.0.1:9/"

# Switches that keep Chromium from calling home.
CHROMIUM_QUIET = [
    "--disable-background-networking", "--disable-component-update", f"--component-updater=url-source={NOWHERE}",
    "--disable-sync", "--disable-default-apps", "--no-first-run", "--no-default-browser-check", "--disable-domain-reliability",
    "--disable-client-side-phishing-detection", "--metrics-recording-only", "--disable-extensions", "--no-service-autorun",
    "--no-pings", "--disable-quic", f"--gaia-url={NOWHERE}", "--disable-breakpad", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,Translate",
]

# The same for Firefox; MOZ_REMOTE_SETTINGS_DEVTOOLS=1 makes it obey services.settings.server.
FIREFOX_OFF = """
network.captive-portal-service.enabled network.connectivity-service.enabled network.prefetch-next network.predictor.enabled
network.http.http3.enable network.dns.echconfig.enabled browser.urlbar.speculativeConnect.enabled
browser.places.speculativeConnect.enabled browser.safebrowsing.malware.enabled browser.safebrowsing.phishing.enabled
browser.safebrowsing.downloads.enabled browser.safebrowsing.downloads.remote.enabled browser.safebrowsing.blockedURIs.enabled
browser.safebrowsing.update.enabled app.normandy.enabled app.shield.optoutstudies.enabled nimbus.rollouts.enabled
messaging-system.rsexperimentloader.enabled toolkit.telemetry.enabled toolkit.telemetry.unified
datareporting.healthreport.uploadEnabled datareporting.usage.uploadEnabled datareporting.policy.dataSubmissionEnabled
browser.newtabpage.enabled browser.newtabpage.activity-stream.feeds.system.topsites
browser.newtabpage.activity-stream.feeds.topsites browser.newtabpage.activity-stream.feeds.section.topstories
browser.newtabpage.activity-stream.showSponsored browser.newtabpage.activity-stream.showSponsoredTopSites
browser.newtabpage.activity-stream.telemetry browser.topsites.contile.enabled browser.aboutwelcome.enabled
browser.preonboarding.enabled browser.shell.checkDefaultBrowser browser.region.update.enabled dom.push.connection.enabled
extensions.update.enabled extensions.systemAddon.update.enabled extensions.getAddons.cache.enabled media.gmp-manager.updateEnabled
browser.search.update browser.search.suggest.enabled browser.discovery.enabled browser.translations.enable
identity.fxaccounts.enabled security.remote_settings.intermediates.enabled security.remote_settings.crlite_filters.enabled
dom.security.https_first dom.security.https_first_schemeless browser.fixup.alternate.enabled network.proxy.failover_direct
""".split()
FIREFOX_ON = """
network.proxy.socks5_remote_dns network.proxy.socks_remote_dns network.proxy.allow_hijacking_localhost
network.dns.disablePrefetch termsofuse.bypassNotification doh-rollout.disable-heuristics
""".split()
FIREFOX_EMPTY = """
browser.safebrowsing.provider.google.updateURL browser.safebrowsing.provider.google4.updateURL
browser.safebrowsing.provider.google5.updateURL browser.safebrowsing.provider.mozilla.updateURL app.normandy.api_url
datareporting.policy.firstRunURL browser.region.network.url geo.provider.network.url dom.push.serverURL network.proxy.no_proxies_on
""".split()
FIREFOX_VALUES = {
    "services.settings.server": "data:,#remote-settings-dummy/v1", "toolkit.telemetry.server": "data:,",
    "media.gmp-manager.url": "data:,", "browser.startup.page": 0, "browser.startup.homepage": "about:blank",
    "browser.startup.homepage_override.mstone": "ignore", "startup.homepage_welcome_url": "about:blank",
    "network.http.speculative-parallel-limit": 0, "network.trr.mode": 5, "security.OCSP.enabled": 0,
    "network.proxy.type": 1, "network.proxy.socks_version": 5,
}


def proxy_address():
    """(host, port) of the SOCKS proxy in the environment, as mitm-proxy puts it there."""
    parts = urlsplit(os.environ.get("ALL_PROXY", ""))
    if not parts.scheme.startswith("socks5") or not parts.port:
        sys.exit("browse: ALL_PROXY does not name a SOCKS5 proxy; run this with: mitm-proxy -- …")
    return parts.hostname, parts.port


def chromium(url, profile):
    """The command that shows `url` in headless Chromium, and its environment."""
    program = shutil.which("chromium")
    host, port = proxy_address()
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [program, "--headless", *root, *CHROMIUM_QUIET, f"--user-data-dir={profile}", "--window-size=1200,1600",
               f"--proxy-server=socks5://{host}:{port}", "--proxy-bypass-list=<-loopback>", url]
    return program and command, {}


def firefox(url, profile):
    """The command that shows `url` in headless Firefox, and its environment."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    host, port = proxy_address()
    preferences = {**dict.fromkeys(FIREFOX_OFF, False), **dict.fromkeys(FIREFOX_ON, True), **dict.fromkeys(FIREFOX_EMPTY, ""),
                   **FIREFOX_VALUES, "network.proxy.socks": host, "network.proxy.socks_port": port}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    command = [program, "--headless", "--no-remote", "--profile", str(profile), url]
    return program and command, {"MOZ_REMOTE_SETTINGS_DEVTOOLS": "1", "MOZ_CRASHREPORTER_DISABLE": "1"}


def curl(url, profile):
    """The command that fetches all the page's requests with curl, six at a time."""
    program = shutil.which("curl")
    base = url.rsplit(":", 1)[1].strip("/")
    lines = []
    for method, target, headers, body in content.requests(lambda host: f"http://{host}:{base}"):
        entry = [f'url = "{target}"', 'output = "/dev/null"', 'header = "Accept-Encoding: gzip"']
        entry += [f"header = {json.dumps(f'{name}: {value}')}" for name, value in headers.items()]
        entry += ["head"] if method == "HEAD" else [] if method == "GET" else [f'request = "{method}"']
        entry += [f"data-raw = {json.dumps(body)}"] if body is not None else []
        lines.append("\n".join(entry))
    script = profile / "curlrc"
    script.write_text("\nnext\n".join(lines) + "\n", encoding="utf-8")
    return program and [program, "--silent", "--parallel", "--parallel-max", "6", "--config", str(script)], {}


BROWSERS = {"chromium": chromium, "firefox": firefox, "curl": curl}


def count_requests(log):
    """Finished requests in the access log, and whether the page's report is among them."""
    try:
        whole_lines = log.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
    except FileNotFoundError:
        return 0, False
    return len(whole_lines), any("report" in json.loads(line) for line in whole_lines)


def wait_until_complete(process, log, deadline, is_browser):
    """Wait until the page is complete; return whether it is. A browser then still runs."""
    seen, since = 0, time.monotonic()
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        count, done = count_requests(log)
        if count != seen:
            seen, since = count, time.monotonic()
        if done and (ended or is_browser and time.monotonic() - since >= QUIET_SECONDS):
            return True
        if ended:
            return False
        time.sleep(0.05)
    return False


def stop(process):
    """End the browser and what it has started: all of its process group."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signal_number)
            process.wait(5)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def give_up(*_):
    """A signal handler: end by way of what is to be cleaned up, undisturbed by further signals."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(prog="browse", description="Load the sample page with a browser through the proxy in ALL_PROXY.")
    parser.add_argument("browser", choices=BROWSERS)
    parser.add_argument("--url", required=True, help="where the site is: http://www.example.test:PORT/")
    parser.add_argument("--log", required=True, type=Path, help="the site's access log")
    parser.add_argument("--timeout", type=float, default=50, help="seconds that the page may take")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, give_up)
    with tempfile.TemporaryDirectory(prefix="mitm-browser-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        command, environment = BROWSERS[options.browser](options.url, profile)
        if not command:
            print(f"browse: there is no {options.browser} on this machine", file=sys.stderr)
            return MISSING
        output = profile / "output"
        with open(output, "wb") as sink:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
                                       env={**os.environ, "HOME": folder, "TMPDIR": folder, **environment})
        try:
            loaded = wait_until_complete(process, options.log, time.monotonic() + options.timeout, options.browser != "curl")
        finally:
            stop(process)
        if not loaded:
            tail = output.read_text(encoding="utf-8", errors="replace")[-1500:]
            print(f"browse: {options.browser} did not load {options.url} completely; it said:\n{tail}", file=sys.stderr)
        return 0 if loaded else 1


if __name__ == "__main__":
    sys.exit(main())
