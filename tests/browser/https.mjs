// Loads one page over HTTPS with a real browser and tells what the browser itself says of its network. Called by test_https.py:
//     node https.mjs '{"browser": …, "program": PATH, "proxy": PORT, "url": URL, "spki": …, "profile": DIR, "keylog": FILE}'
// Prints a JSON object {"responses": [{url, method, status, start_ns, end_ns}, …]}, times in nanoseconds of "clock".
// Chromium: DevTools protocol, CLOCK_MONOTONIC. Firefox: WebDriver BiDi, wall clock.
import puppeteer from "puppeteer-core";

const PATIENCE_MS = 40000;
const plan = JSON.parse(process.argv[2]);

const CHROMIUM_SWITCHES = [
    "--disable-background-networking", "--disable-component-update", "--component-updater=url-source=http://127.0.0.1:9/",
    "--disable-sync", "--disable-default-apps", "--no-first-run", "--no-default-browser-check", "--disable-domain-reliability",
    "--metrics-recording-only", "--disable-extensions", "--no-pings", "--disable-quic", "--gaia-url=http://127.0.0.1:9/",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,Translate", "--proxy-bypass-list=<-loopback>",
];
const FIREFOX_PREFERENCES = {
    "network.proxy.type": 1, "network.proxy.socks": "127.0.0.1", "network.proxy.socks_port": plan.proxy,
    "network.proxy.socks_version": 5, "network.proxy.socks5_remote_dns": true, "network.proxy.socks_remote_dns": true,
    "network.proxy.no_proxies_on": "", "network.proxy.allow_hijacking_localhost": true, "network.proxy.failover_direct": false,
    "network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false,
    "services.settings.server": "data:,#remote-settings-dummy/v1", "app.normandy.enabled": false, "network.trr.mode": 5,
    "browser.safebrowsing.update.enabled": false, "dom.push.connection.enabled": false, "browser.region.update.enabled": false,
    "security.OCSP.enabled": 0, "privacy.reduceTimerPrecision": false, "network.http.speculative-parallel-limit": 0,
};

function launch() {
    const env = { ...process.env, SSLKEYLOGFILE: plan.keylog };
    if (plan.browser === "firefox") {
        return puppeteer.launch({
            browser: "firefox", executablePath: plan.program, headless: true, userDataDir: plan.profile, extraPrefsFirefox: FIREFOX_PREFERENCES,
            env: { ...env, MOZ_REMOTE_SETTINGS_DEVTOOLS: "1", MOZ_CRASHREPORTER_DISABLE: "1" },
        });
    }
    const root = process.getuid() === 0 ? ["--no-sandbox"] : [];
    return puppeteer.launch({
        executablePath: plan.program, headless: true, env,
        args: [...root, ...CHROMIUM_SWITCHES, `--proxy-server=socks5://127.0.0.1:${plan.proxy}`,
            `--ignore-certificate-errors-spki-list=${plan.spki}`],
    });
}

/* DevTools: the network process's own times (response.timing), as seconds of the monotonic clock. */
async function watchChromium(page, responses) {
    const devtools = await page.createCDPSession();
    const requests = new Map();
    const nanoseconds = (seconds) => Math.round(seconds * 1e9);
    const answered = (requestId, response) => {
        const entry = requests.get(requestId);
        const { timing } = response;
        entry.status = response.status;
        entry.protocol = response.protocol;
        entry.start_ns = nanoseconds(timing.requestTime + timing.receiveHeadersStart / 1000);
        return entry;
    };
    devtools.on("Network.requestWillBeSent", ({ requestId, request, redirectResponse, timestamp }) => {
        if (redirectResponse) {
            responses.push({ ...answered(requestId, redirectResponse), end_ns: null });
        }
        requests.set(requestId, { url: request.url, method: request.method, sent_ns: nanoseconds(timestamp) });
    });
    devtools.on("Network.responseReceived", ({ requestId, response }) => answered(requestId, response));
    devtools.on("Network.loadingFinished", ({ requestId, timestamp }) => {
        responses.push({ ...requests.get(requestId), end_ns: nanoseconds(timestamp) });
    });
    devtools.on("Network.loadingFailed", ({ requestId, errorText }) => {
        responses.push({ ...requests.get(requestId), failed: errorText });
    });
    await devtools.send("Network.enable");
}

/* BiDi: times are milliseconds since request.timings.timeOrigin, that since 1970; 0: not known. */
function watchFirefox(browser, responses) {
    const nanoseconds = ({ timeOrigin }, ms) => ms ? Math.round((timeOrigin + ms) * 1e6) : 0;
    browser.connection.on("network.responseCompleted", ({ request, response }) => {
        const { timings } = request;
        responses.push({
            url: response.url, method: request.method, status: response.status, protocol: response.protocol, timings,
            start_ns: nanoseconds(timings, timings.responseStart), end_ns: nanoseconds(timings, timings.responseEnd),
        });
    });
}

async function main() {
    const browser = await launch();
    try {
        const responses = [];
        const page = await browser.newPage();
        page.setDefaultTimeout(PATIENCE_MS);
        await (plan.browser === "firefox" ? watchFirefox(browser, responses) : watchChromium(page, responses));
        await page.goto(plan.url);
        await page.waitForFunction(() => document.title === "complete");
        console.log(JSON.stringify({ responses, version: await browser.version() }));
    } finally {
        await browser.close();
    }
}

await main();
