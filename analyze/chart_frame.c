/* What stands above and below the lanes of a chart. */
#include <inttypes.h>
#include <string.h>

#include "analyze/chart_parts.h"
#include "analyze/format.h"
#include "base/memory.h"
#include "analyze/settings.h"
#include "analyze/words.h"

static const struct figure_phase palette[CHART_PHASES] = {
    [CHART_DELAY] = {.label = {"delay asked for", 15}, .short_label = {"delay", 5}, .color = FIGURE_COLOR_DELAY},
    [CHART_SOCKS] = {.label = {"SOCKS (circuit, name, TCP)", 26},
                     .short_label = {"SOCKS", 5},
                     .color = FIGURE_COLOR_SOCKS},
    [CHART_TLS] = {.label = {"TLS handshake", 13}, .short_label = {"TLS", 3}, .color = FIGURE_COLOR_TLS},
    [CHART_WAITING] = {.label = {"waiting for the response", 24},
                       .short_label = {"waiting", 7},
                       .color = FIGURE_COLOR_WAITING},
    [CHART_TRANSFER] = {.label = {"transfer", 8},
                        .short_label = {"transfer", 8},
                        .color = FIGURE_COLOR_TRANSFER,
                        .dot_when_short = true},
    [CHART_OPAQUE] = {.label = {"data not looked into", 20},
                      .short_label = {"other data", 10},
                      .color = FIGURE_COLOR_OPAQUE,
                      .dot_when_short = true},
};

/* ---------------------------------------------------------------- above */

static struct figure_text title(struct chart *chart)
{
    const struct model_session *session = chart->session;
    if (session->label.len > 0)
        return (struct figure_text){(const char *)session->label.data, session->label.len};
    if (session->command.len > 0)
        return (struct figure_text){(const char *)session->command.data, session->command.len};
    return figure_text("Recorded session");
}

static void put_count(FILE *out, uint64_t n, const char *one, const char *many)
{
    char buffer[FORMAT_BYTES];
    fprintf(out, " · %s %s", format_count(buffer, n), n == 1 ? one : many);
}

static const char *decryption(const struct chart *chart)
{
    if (!chart->has_hidden)
        return chart->has_decrypted ? "TLS decrypted" : "TLS not decrypted";
    return chart->has_decrypted ? "TLS decrypted in part" : "TLS not decrypted";
}

static struct figure_text summary(struct chart *chart)
{
    const struct model_session *session = chart->session;
    char buffer[FORMAT_BYTES];
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    fputs(session->has_wall_clock ? format_date(buffer, session->wall_clock_ns) : "date not recorded", out);
    if (session->upstream_kind == MITM__UPSTREAM_KIND__DIRECT)
        fputs(" · direct", out);
    else if (session->upstream_kind == MITM__UPSTREAM_KIND__SOCKS5)
        fputs(" · through SOCKS5", out);
    if (session->upstream_address.len > 0) {
        putc(' ', out);
        chart_put(out, session->upstream_address);
    }
    put_count(out, chart->figure.group_count, "server", "servers");
    put_count(out, chart->connection_count, "connection", "connections");
    if (chart->requests > 0 || !chart->has_hidden)
        put_count(out, chart->requests, "request", "requests");
    if (chart->received_known)
        fprintf(out, " · %s received", format_size(buffer, (uint64_t)chart->received_bytes));
    if (chart->has_tls)
        fprintf(out, " · %s", decryption(chart));
    if (session->last_ns != MODEL_NONE)
        fprintf(out, " · recorded for %s", format_duration(buffer, session->last_ns));
    return chart_text_end(chart, &text);
}

/* Say what was left out by choice, if anything was. */
static void add_selection(struct chart *chart)
{
    const struct chart_options *options = &chart->options;
    char from[FORMAT_BYTES], to[FORMAT_BYTES];
    if (!options->server && !options->one_connection && options->from_ns == MODEL_NONE && options->to_ns == MODEL_NONE)
        return;
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    fputs("selection:", out);
    if (options->server)
        fprintf(out, " server %s", options->server);
    if (options->one_connection)
        fprintf(out, " connection %" PRIu32, options->connection);
    if (options->from_ns != MODEL_NONE || options->to_ns != MODEL_NONE)
        fprintf(out, " from %s to %s (the counts above are of the connections shown, as a whole)",
                format_seconds(from, chart->figure.from_ns), format_seconds(to, chart->figure.to_ns));
    chart->subtitles[chart->figure.subtitle_count++] = chart_text_end(chart, &text);
}

static void add_warning(struct chart *chart, struct figure_text text)
{
    if (chart->figure.warning_count < sizeof chart->warnings / sizeof *chart->warnings)
        chart->warnings[chart->figure.warning_count++] = text;
}

static void add_warnings(struct chart *chart)
{
    const struct model_session *session = chart->session;
    char buffer[FORMAT_BYTES];
    if (!session->started)
        add_warning(chart, figure_text("The beginning of the recording is missing."));
    if (!session->ended && !chart->options.live)
        add_warning(chart, figure_text("The recording was cut off."));
    for (uint32_t cause = 0; cause < MODEL_LOSS_CAUSES; cause++) {
        const struct model_loss *loss = &session->losses[cause];
        const char *words = words_loss_cause(cause);
        if (loss->count > 0 && cause == MITM__LOSS_CAUSE__DAMAGE)
            add_warning(chart, chart_printf(chart, "%s bytes of the recording are missing: %s.",
                                            format_count(buffer, loss->len_bytes), words));
        else if (loss->count > 0)
            add_warning(chart, chart_printf(chart, "%s events are missing: %s.", format_count(buffer, loss->events),
                                            words ? words : "the cause is unknown"));
    }
    if (chart->leaks > 0)
        add_warning(chart,
                    chart_printf(chart,
                                 "Possible DNS leak: %s %s asked for an IP address although a SOCKS5 upstream was "
                                 "set. Let the client send names (remote DNS).",
                                 format_count(buffer, chart->leaks), chart->leaks == 1 ? "connection" : "connections"));
    if (chart->limited > 0)
        add_warning(chart, chart_printf(chart,
                                        "A rate limit, as set, held back data of %s %s: transfer times%s are not "
                                        "the network's.",
                                        format_count(buffer, chart->limited),
                                        chart->limited == 1 ? "connection" : "connections",
                                        chart->has_streams ? ", and waiting times of HTTP/2," : ""));
    if (session->pause_total > 0)
        add_warning(chart, chart_printf(chart, "Recording was paused for a time: %s events are not shown.",
                                        format_count(buffer, settings_paused_events(session))));
    if (session->overflow > 0)
        add_warning(chart, figure_text("There were more sessions, connections or requests than can be shown."));
}

/* ---------------------------------------------------------------- below */

/* Make the strip of received bytes, in some 150 bins over the time axis. */
static void add_strip(struct chart *chart)
{
    enum { WANTED_BINS = 150 };
    const struct rate *rate = &chart->session->received;
    int64_t span_ns = chart->figure.to_ns - chart->figure.from_ns;
    if (!rate->bins || span_ns <= 0)
        return;
    size_t factor = (size_t)(span_ns / WANTED_BINS / rate->bin_ns) + 1;
    size_t n = (rate->count + factor - 1) / factor;
    chart->strip_bins = memory_new(n, sizeof *chart->strip_bins);
    for (size_t i = 0; i < rate->count; i++)
        chart->strip_bins[i / factor] = rate_sum(chart->strip_bins[i / factor], rate->bins[i]);
    bool all = chart->connection_count == chart->session->connection_count;
    chart->strip = (struct figure_strip){.label = figure_text(all ? "received" : "received (all)"),
                                         .color = FIGURE_COLOR_TRANSFER,
                                         .bin_ns = rate->bin_ns * (int64_t)factor,
                                         .bins = chart->strip_bins,
                                         .bin_count = n};
    chart->figure.strips = &chart->strip;
    chart->figure.strip_count = 1;
}

static void add_shares(struct chart *chart)
{
    char buffer[FORMAT_BYTES];
    for (size_t i = 0; i < sizeof chart->shares / sizeof **chart->shares; i++) {
        size_t phase = i / 2, inferred = i % 2;
        uint64_t ns = chart->shares[phase][inferred];
        if (ns == 0)
            continue;
        chart->share_parts[chart->figure.share_count++] = (struct figure_share){
            .phase = phase,
            .inferred = inferred,
            .amount = ns,
            .tooltip = chart_printf(chart, "%s%s %s in all", palette[phase].short_label.bytes,
                                    inferred ? " (inferred)" : "", format_duration(buffer, model_number(ns)))};
    }
    chart->figure.shares = chart->share_parts;
    chart->figure.shares_label = figure_text("where the time went");
    chart->figure.shares_note =
        chart_printf(chart, "sum over %s %s%s; idle time left out", format_count(buffer, chart->connection_count),
                     chart->connection_count == 1 ? "connection" : "connections",
                     chart->has_streams ? ", each stream by itself" : "");
}

static void add_note(struct chart *chart, struct figure_text text)
{
    if (chart->figure.note_count < sizeof chart->notes / sizeof *chart->notes)
        chart->notes[chart->figure.note_count++] = text;
}

static void add_notes(struct chart *chart)
{
    const struct model_session *session = chart->session;
    char mean[FORMAT_BYTES], longest[FORMAT_BYTES];
    if (session->delay_count > 0)
        add_note(chart, chart_printf(chart, "Delay added by mitm-proxy: mean %s, longest %s.",
                                     format_duration(mean, model_number(session->delay_sum_ns / session->delay_count)),
                                     format_duration(longest, model_number(session->delay_max_ns))));
    if (session->clock_steps > 0)
        add_note(chart, chart_printf(chart,
                                     "The wall clock was set while recording (%" PRIu64 " %s); the times shown do not "
                                     "depend on it.",
                                     session->clock_steps, session->clock_steps == 1 ? "time" : "times"));
}

/* Say which lanes show several streams as one. */
static void add_lanes_note(struct chart *chart)
{
    char buffer[FORMAT_BYTES];
    if (chart->folded_connections == 0)
        return;
    chart->figure.lanes_note = chart_printf(
        chart,
        "The last lane of a bracket may show streams that have no lane of their own as one; “+N” says how many (%s "
        "%s). %s",
        format_count(buffer, chart->folded_connections), chart->folded_connections == 1 ? "connection" : "connections",
        chart->connection_count == 1 ? "The table of connections has each."
                                     : "A picture of the connection alone has more lanes.");
}

void chart_frame(struct chart *chart)
{
    struct timeline_figure *figure = &chart->figure;
    figure->title = title(chart);
    figure->subtitles = chart->subtitles;
    chart->subtitles[figure->subtitle_count++] = summary(chart);
    add_selection(chart);
    figure->palette = palette;
    figure->palette_count = CHART_PHASES;
    figure->inferred_label = figure_text("inferred (encrypted)");
    figure->stall_label = figure_text("held back by flow control");
    figure->dot_label = figure_text("no body, or too short to see");
    figure->failure_label = figure_text("failed");
    figure->open_label = figure_text("still open");
    figure->closed_label = figure_text("closed");
    figure->empty_label = figure_text("No connections recorded.");
    figure->warnings = chart->warnings;
    add_warnings(chart);
    add_strip(chart);
    add_shares(chart);
    add_lanes_note(chart);
    figure->notes = chart->notes;
    add_notes(chart);
    figure->created_s = (int64_t)(chart->session->wall_clock_ns / 1000000000);
}
