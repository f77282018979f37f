// Drives a real browser through mitm-proxy and looks at the live view as its user does. Called by test_live.py:
//     node live.mjs '{"browser": …, "proxy": PORT, "site": URL, "hostile": URL, "nowhere": PORT, "scripts": true, "scenario": …}'
// Prints a JSON object with what it has seen. Exit status 1 with one message when something is not as it should be.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const VIEW = "http://mitm.proxy/";
const PATIENCE_MS = 20000;
const plan = JSON.parse(process.argv[2]);

const CHROMIUM_SWITCHES = [
    "--disable-background-networking", "--disable-component-update", "--component-updater=url-source=http://127.0.0.1:9/",
    "--disable-sync", "--disable-default-apps", "--no-first-run", "--no-default-browser-check", "--disable-domain-reliability",
    "--metrics-recording-only", "--disable-extensions", "--no-pings", "--disable-quic", "--gaia-url=http://127.0.0.1:9/",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,Translate", "--proxy-bypass-list=<-loopback>",
];

/* The preferences that keep Firefox quiet are those of mitm-proxy --browser; here a few suffice: what else it asks for is not looked at. */
function firefoxPreferences() {
    return {
        "network.proxy.type": 1, "network.proxy.socks": "127.0.0.1", "network.proxy.socks_port": plan.proxy,
        "network.proxy.socks_version": 5, "network.proxy.socks5_remote_dns": true, "network.proxy.socks_remote_dns": true,
        "network.proxy.no_proxies_on": "", "network.proxy.allow_hijacking_localhost": true, "network.proxy.failover_direct": false,
        "network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false,
        "services.settings.server": "data:,#remote-settings-dummy/v1", "app.normandy.enabled": false,
        "browser.safebrowsing.update.enabled": false, "dom.push.connection.enabled": false, "browser.region.update.enabled": false,
        // Tor Browser's safest level: neither scripts nor SVG.
        ...(plan.scripts ? {} : { "javascript.enabled": false, "svg.disabled": true }),
    };
}

async function launch() {
    if (plan.browser === "firefox") {
        return puppeteer.launch({
            browser: "firefox", executablePath: plan.program, headless: true, extraPrefsFirefox: firefoxPreferences(),
            env: { ...process.env, MOZ_REMOTE_SETTINGS_DEVTOOLS: "1", MOZ_CRASHREPORTER_DISABLE: "1" },
        });
    }
    const root = process.getuid() === 0 ? ["--no-sandbox"] : [];
    return puppeteer.launch({
        executablePath: plan.program, headless: true,
        args: [...root, ...CHROMIUM_SWITCHES, `--proxy-server=socks5://127.0.0.1:${plan.proxy}`],
    });
}

async function newPage(browser) {
    const page = await browser.newPage();
    if (!plan.scripts && plan.browser === "chromium") {
        await page.setJavaScriptEnabled(false);
    }
    page.setDefaultTimeout(PATIENCE_MS);
    return page;
}

/* Wait until `condition` gives something true and return that. */
async function until(what, condition) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
        const value = await condition();
        if (value) {
            return value;
        }
        assert(Date.now() < deadline, `waited in vain: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/* Click with the mouse, as a user does (puppeteer's own click() needs scripts in the page). */
async function click(page, selector) {
    const place = await page.evaluate((wanted) => {
        const element = document.querySelector(wanted);
        if (!element) {
            return null;
        }
        for (let parent = element.parentElement; parent; parent = parent.parentElement) {
            if (parent.localName === "details") {
                parent.open = true;
            }
        }
        element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
        const box = element.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    }, selector);
    assert(place, `there is no ${selector} on ${page.url()}`);
    await page.mouse.click(place[0], place[1]);
}

const bodyText = (page) => page.evaluate(() => document.body.textContent);

/* The view's page shows text sooner or later: by itself with scripts, by loading it again without. */
async function shows(page, text) {
    return until(`the view shows ${text}`, async () => {
        if ((await bodyText(page)).includes(text)) {
            return true;
        }
        if (!plan.scripts) {
            await page.goto(page.url().split("#")[0]);
        }
        return false;
    });
}

// ---------------------------------------------------------------- scenarios

/* The view shows the requests that this browser has just made, and its tooltips and links work. */
async function follow(browser) {
    const view = await newPage(browser);
    await view.goto(VIEW);
    const before = await bodyText(view);
    assert(!before.includes("/live-test-1"), "the request is shown before it was made");
    const other = await newPage(browser);
    for (const path of ["/live-test-1", "/live-test-2?a=b"]) {
        await other.goto(new URL(path, plan.site).href);
        await shows(view, path);
    }
    await view.bringToFront();

    const areas = await view.evaluate(() => [...document.querySelectorAll("map area")].map((area) => ({
        title: area.title, alt: area.alt, href: area.getAttribute("href"), coords: area.coords.split(",").map(Number),
    })));
    assert(areas.length > 0, "the graph has no areas");
    for (const area of areas) {
        assert(area.alt.length > 0 || !area.href && area.title.length > 0, `an area without alternative text: ${JSON.stringify(area)}`);
    }
    assert(areas.some((area) => area.title.includes("/live-test-1")), "no tooltip names the request");
    const loaded = await until("the graph's picture", () => view.evaluate(() => {
        const image = document.querySelector("img[usemap]");
        return image && image.complete && image.naturalWidth > 0 && {
            width: image.clientWidth, height: image.clientHeight, ratio: image.naturalHeight / image.naturalWidth,
        };
    }));
    assert(Math.abs(loaded.height / loaded.width - loaded.ratio) < 0.01, "the graph's picture is distorted");
    for (const { coords } of areas) {
        assert(coords[2] <= loaded.width + 1 && coords[3] <= loaded.height + 1, "an area outside of the picture");
    }

    // A click on the bar of the request leads to its connection.
    const [area] = areas.filter((one) => one.title.includes("/live-test-1") && one.href);
    const corner = await view.evaluate(() => {
        const image = document.querySelector("img[usemap]");
        image.scrollIntoView({ block: "start", behavior: "instant" });
        const box = image.getBoundingClientRect();
        return [box.x, box.y];
    });
    await view.mouse.click(corner[0] + (area.coords[0] + area.coords[2]) / 2, corner[1] + (area.coords[1] + area.coords[3]) / 2);
    await until("the address of the connection", async () => /#connection-\d+$/.test(await view.evaluate(() => location.href)));
    const target = await view.evaluate(() => document.querySelector(location.hash)?.textContent ?? "");
    assert(target.length > 0, "the link leads nowhere");

    // Every link within the page leads somewhere.
    const dangling = await view.evaluate(() => [...document.querySelectorAll("a[href^='#'], area[href^='#']")]
        .map((link) => link.getAttribute("href").slice(1)).filter((id) => id && !document.getElementById(id)));
    assert.deepEqual(dangling, [], "links without a target");

    // Zoom to the connection, then drop the zoom.
    const id = (await view.evaluate(() => location.hash)).replace("#connection-", "");
    await view.goto(`${VIEW}?connection=${id}`);
    const shown = await view.evaluate(() => [...document.querySelectorAll("[id^='connection-']")].map((element) => element.id));
    assert.deepEqual(shown, [`connection-${id}`], "the zoomed view");
    return { areas: areas.length };
}

async function submit(page, field, values) {
    await page.evaluate((name, settings) => {
        const form = document.querySelector(`form [name="${name}"]`).form;
        for (let parent = form; parent; parent = parent.parentElement) {
            if (parent.localName === "details") {
                parent.open = true;
            }
        }
        for (const [key, value] of Object.entries(settings)) {
            const control = form.elements[key];
            if (control.length !== undefined && control[0]?.type === "radio") {
                [...control].find((radio) => radio.value === value).checked = true;
            } else {
                control.value = value;
            }
        }
        const button = [...form.querySelectorAll("button, input[type=submit]")].find((one) => !one.name || settings[one.name] === undefined || one.value === settings[one.name]);
        button.id = "test-submit";
    }, field, values);
    return (await Promise.all([page.waitForNavigation(), click(page, "#test-submit")]))[0];
}

/* Settings change and take effect; a mark is shown; recording pauses and goes on. */
async function settings(browser) {
    const view = await newPage(browser);
    await view.goto(VIEW);
    await submit(view, "request-delay", { "request-delay": "400ms" });
    assert.equal(await view.evaluate(() => document.querySelector("[name='request-delay']").value), "400ms");
    const other = await newPage(browser);
    const begin = performance.now();
    await other.goto(new URL("/delayed", plan.site).href);
    const took_ms = performance.now() - begin;
    assert(took_ms >= 400, `a request delayed by 400 ms took ${took_ms} ms`);
    await view.bringToFront();
    await submit(view, "request-delay", { "request-delay": "" });
    await submit(view, "mark", { mark: "now with the new relay" });
    await shows(view, "now with the new relay");
    if (plan.scripts) {
        await view.waitForFunction(() => performance.getEntriesByType("resource").some((entry) => entry.initiatorType === "fetch"));
    }
    await shows(view, "The mark is set."); // though the page has kept itself current since

    const refused = await submit(view, "request-delay", { "request-delay": "soon" });
    assert.equal(refused.status(), 422, "a delay that is none");
    assert.match(await bodyText(view), /request-delay: /, "the page says what is wrong");
    await view.goto(VIEW);
    assert.equal(await view.evaluate(() => document.querySelector("[name='request-delay']").value.replace("none", "")), "");
    return { took_ms };
}

/* What an attacker chose shows as text. */
async function hostile(browser) {
    const other = await newPage(browser);
    await other.goto(plan.hostile).catch(() => {});
    const view = await newPage(browser);
    const dialogs = [];
    view.on("dialog", (dialog) => { dialogs.push(dialog.message()); dialog.dismiss(); });
    await view.goto(`${VIEW}?headers=all`);
    for (const text of plan.texts) {
        await shows(view, text);
    }
    for (const url of [`${VIEW}?headers=all`, `${VIEW}?server=${encodeURIComponent("<script>pwned()</script>")}`]) {
        await view.goto(url);
        const found = await view.evaluate(() => ({
            scripts: [...document.scripts].map((script) => script.getAttribute("src")).filter((src) => !src || !src.startsWith("/script.js") && !src.startsWith("script.js")),
            inline: [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some((attribute) => attribute.name.startsWith("on"))).length,
            images: [...document.images].map((image) => image.src).filter((src) => !src.startsWith("http://mitm.proxy/")),
            others: document.querySelectorAll("iframe, object, embed, base, video, audio, marquee, [data-pwned]").length,
            links: [...document.querySelectorAll("[href]")].map((link) => link.href).filter((href) => !href.startsWith("http://mitm.proxy/")),
            pwned: window.pwned !== undefined || document.title.includes("pwned"),
        }));
        assert.deepEqual(found, { scripts: [], inline: 0, images: [], others: 0, links: [], pwned: false }, url);
    }
    assert.deepEqual(dialogs, []);
    return { texts: plan.texts.length };
}

/* A page of another site can neither read, nor change, nor tell the view from a host that is not there. */
async function foreign(browser) {
    const page = await newPage(browser);
    await page.goto(plan.hostile.replace(/\/[^/]*$/, "/attack"));
    const attack = (base) => page.evaluate(async (target) => {
        const timeout = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 4000, "timeout"))]);
        const element = (name, attributes) => timeout(new Promise((resolve) => {
            const made = document.createElement(name);
            made.onload = () => resolve("load");
            made.onerror = () => resolve("error");
            Object.assign(made, attributes);
            document.body.append(made);
        }));
        const fetched = (path, options) => timeout(fetch(target + path, { referrerPolicy: "no-referrer", cache: "no-store", ...options }).then((response) => `${response.type} ${response.status}`, () => "error"));
        const results = {};
        for (const path of ["", "timeline.png", "style.css", "script.js", "events", "proxy.pac", "sample/", "report.html", "session.mitm"]) {
            results[`fetch cors ${path}`] = await fetched(path, {});
            results[`fetch no-cors ${path}`] = await fetched(path, { mode: "no-cors" });
            results[`image ${path}`] = await element("img", { referrerPolicy: "no-referrer", src: target + path });
            results[`script ${path}`] = await element("script", { referrerPolicy: "no-referrer", src: target + path });
            results[`style ${path}`] = await element("link", { referrerPolicy: "no-referrer", rel: "stylesheet", href: target + path });
        }
        results["post cors"] = await fetched("settings", { method: "POST", body: new URLSearchParams({ mark: "forged by fetch", "request-delay": "9s" }) });
        results["post no-cors"] = await fetched("settings", { mode: "no-cors", method: "POST", body: new URLSearchParams({ mark: "forged by fetch", "request-delay": "9s" }) });
        results.events = await timeout(new Promise((resolve) => {
            const source = new EventSource(`${target}events`);
            source.onopen = () => resolve("open");
            source.onmessage = () => resolve("message");
            source.onerror = () => { source.close(); resolve("error"); };
        }));
        const frame = document.createElement("iframe");
        frame.referrerPolicy = "no-referrer";
        frame.src = target;
        const framed = new Promise((resolve) => { frame.onload = () => resolve("load"); });
        document.body.append(frame);
        await timeout(framed);
        try {
            results.frame = frame.contentDocument ? `readable: ${frame.contentDocument.body?.textContent.slice(0, 40)}` : "not readable";
        } catch {
            results.frame = "not readable";
        }
        results.frames = frame.contentWindow.length;
        const form = document.createElement("form");
        form.method = "post";
        form.action = `${target}settings`;
        frame.name = `f${Math.random()}`;
        form.target = frame.name;
        for (const [name, value] of [["mark", "forged by a form"], ["request-delay", "9s"]]) {
            const field = document.createElement("input");
            [field.name, field.value] = [name, value];
            form.append(field);
        }
        document.body.append(form);
        form.submit();
        await new Promise((resolve) => setTimeout(resolve, 1000)); // nothing tells when a form into a frame has failed
        return results;
    }, base);
    const seen = await attack(VIEW), absent = await attack(`http://nosuch.proxy/`);
    assert.deepEqual(seen, absent, "a foreign page can tell the view from a host that is not there");
    for (const [what, outcome] of Object.entries(seen)) {
        assert(["error", "timeout", "not readable", "load", 0].includes(outcome) && (outcome !== "load"), `${what}: ${outcome}`);
    }
    // A link from a foreign page is refused too, when the browser says where it comes from.
    const response = await page.evaluate((target) => {
        const link = document.createElement("a");
        link.href = target;
        link.referrerPolicy = "unsafe-url";
        link.id = "to-view";
        link.textContent = "view";
        document.body.prepend(link);
    }, VIEW).then(async () => (await Promise.all([page.waitForNavigation(), click(page, "#to-view")]))[0]);
    assert.equal(response.status(), 403, "a link from another site");
    return { attempts: Object.keys(seen).length };
}

/* axe-core finds nothing serious, in light and dark, wide and narrow, with and without connections. */
async function accessible(browser) {
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    const page = await newPage(browser);
    const found = [];
    for (const scheme of ["light", "dark"]) {
        for (const width of [1200, 390]) {
            for (const path of ["", "?headers=all", "sample/"]) {
                await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
                await page.setViewport({ width, height: 900 });
                await page.goto(VIEW + path);
                await page.evaluate(axe);
                const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
                for (const one of violations.filter(({ impact }) => ["serious", "critical"].includes(impact))) {
                    found.push(`${scheme} ${width} /${path}: ${one.id}: ${one.help}: ${one.nodes[0].html.slice(0, 200)} (${one.nodes.length})`);
                }
                const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
                if (wider > 0) {
                    found.push(`${scheme} ${width} /${path}: the page is ${wider} px wider than the window`);
                }
            }
        }
    }
    assert.deepEqual(found, []);
    return { pages: 12 };
}

const scenarios = { follow, settings, hostile, foreign, accessible };
const browser = await launch();
try {
    console.log(JSON.stringify(await scenarios[plan.scenario](browser)));
} catch (error) {
    console.error(`${plan.browser}, ${plan.scenario}: ${error.stack}`);
    process.exitCode = 1;
} finally {
    await browser.close();
}
