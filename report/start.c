/* What stands where nothing has been recorded yet. */
#include "report/document.h"

/* Write the steps; `address` is where the proxy listens, as text that is safe, and `host`, `port` its parts. */
static void write_steps(const struct document *document, struct text address)
{
    FILE *out = document->out;
    uint32_t colon = address.len;
    while (colon > 0 && address.data[colon - 1] != ':')
        colon--;
    struct text host = {address.data, colon > 0 ? colon - 1 : 0};
    struct text port = {address.data + colon, address.len - colon};
    fputs("<p>Let a browser use the SOCKS5 proxy at <code>", out);
    html_text(out, address);
    fputs("</code>, load a page with it, and then <a href=\"", out);
    html_string(out, document->place->base);
    fputs("\">load this page again</a>.</p>\n<h3>Firefox</h3>\n<ol><li>Open Settings, General, Network Settings, "
          "Settings…</li><li>Choose “Manual proxy configuration”; SOCKS Host <code>",
          out);
    html_text(out, host);
    fputs("</code>, Port <code>", out);
    html_text(out, port);
    fputs("</code>, SOCKS v5; leave the other fields empty.</li><li>Check “Proxy DNS when using SOCKS v5”.</li>"
          "<li>Or choose “Automatic proxy configuration URL” with the address of <a href=\"",
          out);
    html_string(out, document->place->base);
    fputs("proxy.pac\">this file</a>.</li></ol>\n<h3>Chromium</h3>\n<pre>chromium --proxy-server=socks5://", out);
    html_text(out, address);
    fputs(" --user-data-dir=$(mktemp -d)</pre>\n<h3>Tor Browser</h3>\n<p>It then uses the Tor that mitm-proxy is "
          "connected to.</p>\n<pre>TOR_SKIP_LAUNCH=1 TOR_SOCKS_HOST=",
          out);
    html_text(out, host);
    fputs(" TOR_SOCKS_PORT=", out);
    html_text(out, port);
    fputs(" ./start-tor-browser.desktop</pre>\n<h3>curl</h3>\n<pre>curl --proxy socks5h://", out);
    html_text(out, address);
    fputs(" http://www.example.org/</pre>\n", out);
}

void start_write(const struct document *document)
{
    FILE *out = document->out;
    static const char usual[] = "127.0.0.1:9000";
    bool ended = !document->input->live || document->place->self_contained;
    document_begin_section(document, "start", ended ? "Nothing recorded" : "What to do next", 1);
    if (ended) {
        fputs("<p>There is no connection in this recording.</p>\n</section>\n", out);
        return;
    }
    fputs("<p>mitm-proxy is recording, but nobody has used it yet.</p>\n", out);
    struct text address = {(const uint8_t *)usual, sizeof usual - 1};
    if (document->session && document->session->listen_address.len > 0)
        address = document->session->listen_address;
    write_steps(document, address);
    fputs("<h3>Nothing at hand?</h3>\n<p><a href=\"", out);
    html_string(out, document->place->base);
    fputs("sample/\">See a recorded sample</a>.</p>\n</section>\n", out);
}
