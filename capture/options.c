#include "capture/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capture/decode/app.h"
#include "capture/log.h"

#define DEFAULT_LISTEN           "127.0.0.1"
#define DEFAULT_LISTEN_PORT      9000
#define DEFAULT_UPSTREAM         "socks5://127.0.0.1:9050"
#define DEFAULT_BODY_LIMIT_BYTES ((uint64_t)64 << 10)

static const char help[] =
    "Usage: mitm-proxy [options] [-- COMMAND ...]\n"
    "       mitm-proxy [options] --browser firefox|chromium [URL]\n"
    "\n"
    "Records what a browser does through Tor, or any other SOCKS5 proxy: every SOCKS\n"
    "and HTTP event with its time. Browsers use it as a SOCKS5 proxy; through it they show\n"
    "the recording while it grows: http://mitm.proxy\n"
    "\n"
    "  -l, --listen ADDR:PORT   listen there (127.0.0.1:9000); port 0 is any free port\n"
    "  -u, --upstream UPSTREAM  socks5://ADDR:PORT (default: Tor, socks5://127.0.0.1:9050),\n"
    "                           or direct: the built-in SOCKS5 server\n"
    "  -w, --write FILE         session file (mitm-DATE-TIME.mitm in the current folder);\n"
    "                           a name that ends in .zst is compressed\n"
    "      --force              replace FILE if it exists\n"
    "      --body-limit SIZE    record so much of the data of each body: a number of bytes,\n"
    "                           64K (default), 2M, none or all\n"
    "      --label TEXT         what this session is called in reports\n"
    "      --keylog FILE        see into TLS with the keys that browsers write to FILE\n"
    "                           (default: $SSLKEYLOGFILE; with --browser one of its own);\n"
    "                           none: do not\n"
    "      --hosts FILE         names and addresses, as in hosts(5), for the built-in server\n"
    "      --no-view            no live view at http://mitm.proxy\n"
    "      --browser NAME       start firefox or chromium with a fresh profile that uses the\n"
    "                           proxy, show URL and the live view, record until it ends\n"
    "      --headless           the browser shows no window\n"
    "      --connect-delay T    hold every CONNECT request back for so long: 300ms, 1.5s,\n"
    "                           or random: 200ms..500ms\n"
    "      --request-delay T    hold every HTTP request back for so long\n"
    "      --seed N             seed of random delays (else one is drawn and recorded)\n"
    "      --rate-down RATE     limit of bytes per second to the client, for each connection:\n"
    "                           50K, 1M; --rate-down-total RATE: for all together\n"
    "      --rate-up RATE       the same to the server; --rate-up-total RATE\n"
    "      --mark TEXT          record TEXT as a mark at the start\n"
    "      --paused             record nothing until the live view resumes\n"
    "      --headers first|all  header lines that the live view shows (first)\n"
    "  -q, --quiet              no status line, no summary\n"
    "  -h, --help               this text\n"
    "  -V, --version            the version\n"
    "\n"
    "With a COMMAND: runs it with the proxy in its environment (ALL_PROXY, http_proxy, ...),\n"
    "stops recording when it ends, and exits with its status.\n"
    "\n"
    "Examples:\n"
    "  mitm-proxy -w session.mitm\n"
    "  mitm-proxy -u direct -w s.mitm -- curl -s http://example.org/\n"
    "  mitm-proxy --browser firefox http://example.org/\n"
    "  mitm-analyze stats session.mitm\n"
    "\n"
    "Exit status: that of COMMAND or browser; else 0 ok, 2 wrong usage, 3 cannot listen, read or write.\n";

/* Complain about the value of an option. */
static bool bad(const char *option, const char *value, const char *remedy)
{
    log_line("%s %s: %s", option, value, remedy);
    return false;
}

static bool parse_port(const char *text, uint16_t *port)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/*
 * Read "ADDR:PORT", "[ADDR]:PORT", "ADDR" or "PORT". No name but localhost is taken: looking one up would tell others
 * what we do.
 */
static bool parse_address(const char *text, const char *default_host, uint16_t default_port,
                          struct sockaddr_storage *address)
{
    char host[RESOLVE_TEXT_SIZE + 2];
    uint16_t port = default_port;
    if (resolve_literal(text, default_port, address))
        return true;
    if (!*text)
        return false;
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    if (colon && !parse_port(colon + 1, &port))
        return false;
    if (!colon && parse_port(text, &port))
        len = 0;
    if (len >= sizeof host)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    const char *name = len == 0 || strcasecmp(host, "localhost") == 0 ? default_host : host;
    return resolve_literal(name, port, address);
}

static bool parse_upstream(struct proxy_settings *settings, const char *text)
{
    if (strcmp(text, "direct") == 0) {
        settings->live.direct = true;
        return true;
    }
    static const char *const schemes[] = {"socks5://", "socks5h://"};
    const char *address = text;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            address = text + strlen(schemes[i]);
    }
    if (strchr(address, '@'))
        return bad("-u", text, "no user name here: that of the client is passed on");
    if (strstr(address, "://") || !parse_address(address, "127.0.0.1", 9050, &settings->upstream))
        return bad("-u", text, "give socks5://ADDR:PORT with an IP address (no name is looked up), or direct");
    settings->live.direct = false;
    return true;
}

static bool parse_body_limit(struct proxy_settings *settings, const char *text)
{
    if (strcmp(text, "all") == 0) {
        settings->body_limit_bytes = APP_BODY_UNLIMITED;
        return true;
    }
    if (strcmp(text, "none") == 0) {
        settings->body_limit_bytes = 0;
        return true;
    }
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' || *end == 'k' ? 10 : *end == 'M' || *end == 'm' ? 20 : *end == 'G' ? 30 : 0;
    end += shift > 0;
    if (text[0] < '0' || text[0] > '9' || errno || *end || value > (APP_BODY_UNLIMITED - 1) >> shift)
        return bad("--body-limit", text, "give a number of bytes, such as 65536 or 64K, none or all");
    settings->body_limit_bytes = (uint64_t)value << shift;
    return true;
}

static bool one_line(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            return false;
    }
    return strlen(text) <= OPTIONS_LABEL_MAX;
}

enum {
    OPTION_BODY_LIMIT = 256,
    OPTION_LABEL,
    OPTION_KEYLOG,
    OPTION_HOSTS,
    OPTION_FORCE,
    OPTION_NO_VIEW,
    OPTION_BROWSER,
    OPTION_HEADLESS,
    OPTION_MARK,
    OPTION_PAUSED,
    OPTION_SETTING /* the first of those that settings_set() reads */
};

/* The names of those. */
static const char *const setting_names[] = {"connect-delay", "request-delay",   "seed",          "rate-down",
                                            "rate-up",       "rate-down-total", "rate-up-total", "headers"};

static const struct option long_options[] = {{"listen", required_argument, NULL, 'l'},
                                             {"upstream", required_argument, NULL, 'u'},
                                             {"write", required_argument, NULL, 'w'},
                                             {"body-limit", required_argument, NULL, OPTION_BODY_LIMIT},
                                             {"label", required_argument, NULL, OPTION_LABEL},
                                             {"keylog", required_argument, NULL, OPTION_KEYLOG},
                                             {"hosts", required_argument, NULL, OPTION_HOSTS},
                                             {"force", no_argument, NULL, OPTION_FORCE},
                                             {"no-view", no_argument, NULL, OPTION_NO_VIEW},
                                             {"browser", required_argument, NULL, OPTION_BROWSER},
                                             {"headless", no_argument, NULL, OPTION_HEADLESS},
                                             {"mark", required_argument, NULL, OPTION_MARK},
                                             {"paused", no_argument, NULL, OPTION_PAUSED},
                                             {"connect-delay", required_argument, NULL, OPTION_SETTING},
                                             {"request-delay", required_argument, NULL, OPTION_SETTING + 1},
                                             {"seed", required_argument, NULL, OPTION_SETTING + 2},
                                             {"rate-down", required_argument, NULL, OPTION_SETTING + 3},
                                             {"rate-up", required_argument, NULL, OPTION_SETTING + 4},
                                             {"rate-down-total", required_argument, NULL, OPTION_SETTING + 5},
                                             {"rate-up-total", required_argument, NULL, OPTION_SETTING + 6},
                                             {"headers", required_argument, NULL, OPTION_SETTING + 7},
                                             {"quiet", no_argument, NULL, 'q'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {0}};

static bool take_setting(struct options *options, const char *name, const char *value)
{
    char option[32], remedy[256];
    snprintf(option, sizeof option, "--%s", name);
    return settings_set(&options->proxy.live, name, value, remedy, sizeof remedy) || bad(option, value, remedy);
}

/* Take one option; return whether it is right. */
static bool take(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'l':
        if (!parse_address(value, DEFAULT_LISTEN, DEFAULT_LISTEN_PORT, &options->proxy.listen))
            return bad("-l", value, "give ADDR:PORT, such as 127.0.0.1:9000 or [::1]:9000");
        return true;
    case 'u':
        return parse_upstream(&options->proxy, value);
    case 'w':
        options->session_path = value;
        return *value || bad("-w", "\"\"", "give the name of a file");
    case OPTION_BODY_LIMIT:
        return parse_body_limit(&options->proxy, value);
    case OPTION_LABEL:
        options->proxy.label = value;
        return one_line(value) || bad("--label", "TEXT", "one line of at most 1024 bytes");
    case OPTION_KEYLOG:
        options->keylog_path = value;
        return *value || bad("--keylog", "\"\"", "give the name of a file, or none");
    case OPTION_HOSTS:
        options->hosts_path = value;
        return true;
    case OPTION_FORCE:
        options->force = true;
        return true;
    case OPTION_NO_VIEW:
        options->no_view = true;
        return true;
    case OPTION_BROWSER:
        return browser_kind_of(value, &options->browser) || bad("--browser", value, "give firefox or chromium");
    case OPTION_HEADLESS:
        options->headless = true;
        return true;
    case OPTION_MARK:
        options->proxy.mark = value;
        return settings_is_mark(value) || bad("--mark", "TEXT", "one line of at most 200 bytes");
    case OPTION_PAUSED:
        options->proxy.paused = true;
        return true;
    case 'q':
        options->quiet = true;
        return true;
    default:
        return take_setting(options, setting_names[option - OPTION_SETTING], value);
    }
}

enum options_result options_parse(struct options *options, int argc, char **argv)
{
    *options =
        (struct options){.proxy = {.body_limit_bytes = DEFAULT_BODY_LIMIT_BYTES, .handshake_ms = PROXY_HANDSHAKE_MS}};
    if (!parse_address(DEFAULT_LISTEN, DEFAULT_LISTEN, DEFAULT_LISTEN_PORT, &options->proxy.listen) ||
        !parse_upstream(&options->proxy, DEFAULT_UPSTREAM))
        abort();
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:l:u:w:qhV", long_options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(help, stdout);
            return OPTIONS_DONE;
        }
        if (option == 'V') {
            puts("mitm-proxy " MITM_VERSION);
            return OPTIONS_DONE;
        }
        if (option == ':') {
            log_line("%s needs a value; see mitm-proxy --help", argv[optind - 1]);
            return OPTIONS_BAD;
        }
        if (option == '?') {
            log_line("unknown option %s; see mitm-proxy --help", argv[optind - 1]);
            return OPTIONS_BAD;
        }
        if (!take(options, option, optarg))
            return OPTIONS_BAD;
    }
    if (optind < argc && options->browser) {
        options->address = optind + 1 == argc ? browser_address(argv[optind]) : NULL;
        if (optind + 1 < argc) {
            log_line("%s: --browser takes one URL, and no command", argv[optind + 1]);
            return OPTIONS_BAD;
        }
        if (!options->address) {
            log_line("%s: give the address of a page: http://…, https://… or about:…", argv[optind]);
            return OPTIONS_BAD;
        }
    } else if (optind < argc) {
        if (strcmp(argv[optind - 1], "--") != 0) {
            log_line("%s: a command to run stands behind --; see mitm-proxy --help", argv[optind]);
            return OPTIONS_BAD;
        }
        options->proxy.command = argv + optind;
    }
    if (options->headless && !options->browser) {
        log_line("--headless belongs to --browser; see mitm-proxy --help");
        return OPTIONS_BAD;
    }
    if (options->hosts_path && !options->proxy.live.direct) {
        log_line("--hosts %s: only the built-in server (-u direct) looks names up", options->hosts_path);
        return OPTIONS_BAD;
    }
    return OPTIONS_RUN;
}
