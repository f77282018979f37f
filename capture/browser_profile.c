#include "capture/browser_profile.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/*
 * Not here, since they change how pages load: prefetching and speculative connections (network.prefetch-next,
 * network.dns.disablePrefetch, network.predictor.enabled, network.http.speculative-parallel-limit,
 * browser.*.speculativeConnect), HTTP/3 and ECH (which SOCKS and remote DNS rule out anyway), HTTPS-First
 * (dom.security.https_first), and the guessing of addresses (browser.fixup).
 */
static const char *const firefox_off[] = {
    /* Connections beside the proxy. */
    "network.proxy.failover_direct",
    /* Is there a network, and what is between us and it? */
    "network.captive-portal-service.enabled", "network.connectivity-service.enabled",
    /* Safe Browsing: lists, and look-ups of downloads. */
    "browser.safebrowsing.malware.enabled", "browser.safebrowsing.phishing.enabled",
    "browser.safebrowsing.downloads.enabled", "browser.safebrowsing.downloads.remote.enabled",
    "browser.safebrowsing.blockedURIs.enabled", "browser.safebrowsing.update.enabled",
    /* Experiments and messages. */
    "app.normandy.enabled", "app.shield.optoutstudies.enabled", "nimbus.rollouts.enabled",
    "messaging-system.rsexperimentloader.enabled",
    /* Telemetry. */
    "toolkit.telemetry.enabled", "toolkit.telemetry.unified", "datareporting.healthreport.uploadEnabled",
    "datareporting.usage.uploadEnabled", "datareporting.policy.dataSubmissionEnabled",
    /* The new tab page and its contents. */
    "browser.newtabpage.enabled", "browser.newtabpage.activity-stream.feeds.system.topsites",
    "browser.newtabpage.activity-stream.feeds.topsites", "browser.newtabpage.activity-stream.feeds.section.topstories",
    "browser.newtabpage.activity-stream.showSponsored", "browser.newtabpage.activity-stream.showSponsoredTopSites",
    "browser.newtabpage.activity-stream.telemetry", "browser.topsites.contile.enabled",
    /* What is shown at the first start. */
    "browser.aboutwelcome.enabled", "browser.preonboarding.enabled", "browser.shell.checkDefaultBrowser",
    /* Updates of the browser's parts and of what it knows. */
    "browser.region.update.enabled", "extensions.update.enabled", "extensions.systemAddon.update.enabled",
    "extensions.getAddons.cache.enabled", "media.gmp-manager.updateEnabled", "browser.search.update",
    "security.remote_settings.intermediates.enabled", "security.remote_settings.crlite_filters.enabled",
    /* Services. */
    "dom.push.connection.enabled", "browser.search.suggest.enabled", "browser.discovery.enabled",
    "browser.translations.enable", "identity.fxaccounts.enabled"};

static const char *const firefox_on[] = {
    /* Names are looked up behind the proxy, under the old and the new name of the preference. */
    "network.proxy.socks_remote_dns", "network.proxy.socks5_remote_dns",
    /* Addresses of this computer go through the proxy, too, and WebRTC has no datagrams around it. */
    "network.proxy.allow_hijacking_localhost", "media.peerconnection.ice.proxy_only_if_behind_proxy",
    /* What is shown at the first start; DNS over HTTPS stays off. */
    "termsofuse.bypassNotification", "doh-rollout.disable-heuristics"};

/* Where the browser would look; empty: nowhere. */
static const char *const firefox_empty[] = {"network.proxy.no_proxies_on",
                                            "browser.safebrowsing.provider.google.updateURL",
                                            "browser.safebrowsing.provider.google4.updateURL",
                                            "browser.safebrowsing.provider.google5.updateURL",
                                            "browser.safebrowsing.provider.mozilla.updateURL",
                                            "app.normandy.api_url",
                                            "datareporting.policy.firstRunURL",
                                            "browser.region.network.url",
                                            "geo.provider.network.url",
                                            "dom.push.serverURL"};

static const struct {
    const char *name, *value;
} firefox_values[] = {
    {"network.proxy.type", "1"},
    {"network.proxy.socks_version", "5"},
    {"network.trr.mode", "5"}, /* no DNS over HTTPS, by choice */
    /* Certificates are checked against lists that come with updates, which are off: without this, each TLS server would
     * cost an OCSP request that the user's own browser does not make. */
    {"security.OCSP.enabled", "0"},
    {"services.settings.server", "\"data:,#remote-settings-dummy/v1\""},
    {"toolkit.telemetry.server", "\"data:,\""},
    {"media.gmp-manager.url", "\"data:,\""},
    {"browser.startup.page", "0"},
    {"browser.startup.homepage", "\"about:blank\""},
    {"browser.startup.homepage_override.mstone", "\"ignore\""},
    {"startup.homepage_welcome_url", "\"about:blank\""},
    /* Ending it ends it: no question about several tabs, no offer to restore them. */
    {"browser.tabs.warnOnClose", "false"},
    {"browser.sessionstore.resume_from_crash", "false"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void put_all(FILE *out, const char *const *names, size_t n, const char *value)
{
    for (size_t i = 0; i < n; i++)
        fprintf(out, "user_pref(\"%s\", %s);\n", names[i], value);
}

int browser_profile_firefox(const char *profile, const char *host, unsigned port)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/user.js", profile) >= sizeof path)
        return ENAMETOOLONG;
    FILE *out = fopen(path, "we");
    if (!out)
        return errno;
    put_all(out, firefox_off, COUNT(firefox_off), "false");
    put_all(out, firefox_on, COUNT(firefox_on), "true");
    put_all(out, firefox_empty, COUNT(firefox_empty), "\"\"");
    for (size_t i = 0; i < COUNT(firefox_values); i++)
        put_all(out, &firefox_values[i].name, 1, firefox_values[i].value);
    fprintf(out, "user_pref(\"network.proxy.socks\", \"%s\");\nuser_pref(\"network.proxy.socks_port\", %u);\n", host,
            port);
    bool failed = ferror(out);
    return fclose(out) != 0 || failed ? (errno ? errno : EIO) : 0;
}

/* Left out, since it changes what pages do: --no-pings. QUIC does not go through SOCKS5 as Chromium uses it. */
const char *const browser_profile_chromium[] = {
    /* Nothing bypasses the proxy: addresses of this computer neither, nor WebRTC's datagrams. */
    "--proxy-bypass-list=<-loopback>", "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp", /* the same, as it was called before */
    /* The browser's own traffic. */
    "--disable-background-networking", "--disable-component-update",
    "--component-updater=url-source=http://127.0.0.1:9/", "--disable-sync", "--disable-default-apps",
    "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--metrics-recording-only",
    "--disable-extensions", "--no-service-autorun", "--gaia-url=http://127.0.0.1:9/", "--disable-breakpad",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
    /* What is shown at the first start. */
    "--no-first-run", "--no-default-browser-check", NULL};
