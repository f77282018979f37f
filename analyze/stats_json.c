#include <inttypes.h>
#include <string.h>

#include "analyze/format.h"
#include "analyze/inference.h"
#include "analyze/stats.h"
#include "analyze/words.h"

static void print_number(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, ",\"%s\":%" PRIu64, name, value);
}

static void print_optional(FILE *out, const char *name, int64_t value)
{
    if (value == MODEL_NONE)
        fprintf(out, ",\"%s\":null", name);
    else
        fprintf(out, ",\"%s\":%" PRId64, name, value);
}

static void print_text(FILE *out, const char *name, struct text text)
{
    fprintf(out, ",\"%s\":", name);
    if (text.data)
        event_print_json_bytes(out, text.data, text.len);
    else
        fputs("null", out);
}

static void print_enum(FILE *out, const char *name, const ProtobufCEnumDescriptor *descriptor, uint32_t value)
{
    const char *word = event_enum_name(descriptor, (int)value);
    if (word)
        fprintf(out, ",\"%s\":\"%s\"", name, word);
    else
        fprintf(out, ",\"%s\":null", name);
}

static void print_summary(FILE *out, const char *name, const struct stats_summary *s)
{
    fprintf(out, ",\"%s\":{\"n\":%zu", name, s->count);
    print_optional(out, "min", s->min);
    print_optional(out, "median", s->median);
    print_optional(out, "p90", s->p90);
    print_optional(out, "p99", s->p99);
    print_optional(out, "max", s->max);
    putc('}', out);
}

static void print_failures(FILE *out, const struct stats_row *row)
{
    fputs(",\"socks_failures\":[", out);
    for (size_t i = 0; i < row->failure_count; i++) {
        const char *words = words_socks_reply(row->failures[i].reply);
        fprintf(out, "%s{\"reply\":%" PRIu32 ",\"words\":", i > 0 ? "," : "", row->failures[i].reply);
        if (words)
            fprintf(out, "\"%s\"", words);
        else
            fputs("null", out);
        fprintf(out, ",\"n\":%" PRIu64 "}", row->failures[i].count);
    }
    putc(']', out);
}

/* Print the members that servers and the total have in common, without a comma before the first. */
static void print_row(FILE *out, const struct stats_row *row)
{
    fprintf(out, "\"connections\":%" PRIu64, row->connections);
    print_number(out, "open_connections", row->open);
    print_number(out, "requests", row->requests);
    print_number(out, "responses", row->responses);
    print_number(out, "incomplete_responses", row->incomplete);
    print_number(out, "limited_transfers", row->limited);
    print_number(out, "possible_leaks", row->leaks);
    print_number(out, "violations", row->violations);
    print_number(out, "canceled_requests", row->canceled);
    print_number(out, "http2_connections", row->http2);
    print_number(out, "tls_connections", row->tls);
    print_number(out, "decrypted_connections", row->decrypted);
    print_number(out, "exact_handshakes", row->handshakes - row->inferred);
    print_number(out, "inferred_handshakes", row->inferred);
    print_number(out, "inferred_turns", row->turns);
    print_optional(out, "received_bytes", row->received_bytes);
    print_optional(out, "sent_bytes", row->sent_bytes);
    print_optional(out, "mean_response_ns", row->mean_response_ns);
    print_optional(out, "total_connection_ns", row->connection_ns);
    for (int q = 0; q < STATS_QUANTITIES; q++)
        print_summary(out, stats_quantity_name((enum stats_quantity)q), &row->quantities[q]);
    print_failures(out, row);
}

static void print_server(FILE *out, const struct stats_row *row)
{
    const struct model_server *server = row->server;
    fprintf(out, "{\"kind\":\"%s\"",
            !server                               ? "no request"
            : server->kind == MODEL_SERVER_LOOKUP ? "name look-ups"
                                                  : "server");
    bool named = server && server->kind == MODEL_SERVER_CONNECT;
    print_text(out, "host", named ? server->host : (struct text){0});
    print_optional(out, "port", named ? (int64_t)server->port : MODEL_NONE);
    putc(',', out);
    print_row(out, row);
    putc('}', out);
}

static void print_session(FILE *out, const struct model_session *session, size_t number)
{
    char date[FORMAT_BYTES];
    fprintf(out, "\"session\":%zu", number);
    const char *file = session->file;
    print_text(out, "file", (struct text){(const uint8_t *)file, file ? (uint32_t)strlen(file) : 0});
    print_text(out, "label", session->label);
    print_text(out, "tool", session->tool);
    if (session->has_wall_clock)
        fprintf(out, ",\"start\":\"%s\"", format_iso_date(date, session->wall_clock_ns));
    else
        fputs(",\"start\":null", out);
    print_optional(out, "duration_ns", session->last_ns);
    print_enum(out, "upstream_kind", &mitm__upstream_kind__descriptor, session->upstream_kind);
    print_text(out, "upstream_address", session->upstream_address);
    print_enum(out, "time_source", &mitm__time_source__descriptor, session->time_source);
    print_text(out, "command", session->command);
    fprintf(out, ",\"decrypted\":%s", session->decrypted ? "true" : "false");
    bool missing = session->has_recorded && session->recorded > session->records;
    fprintf(out, ",\"whole\":%s", session->started && session->ended && !missing ? "true" : "false");
    print_enum(out, "end_cause", &mitm__session_end_cause__descriptor, session->end_cause);
    print_optional(out, "command_status", session->has_command_status ? (int64_t)session->command_status : MODEL_NONE);
    print_number(out, "records", session->records);
}

static void print_losses(FILE *out, const struct model_session *session)
{
    fputs(",\"losses\":[", out);
    const char *separator = "";
    for (uint32_t cause = 0; cause < MODEL_LOSS_CAUSES; cause++) {
        const struct model_loss *loss = &session->losses[cause];
        if (loss->count == 0)
            continue;
        fprintf(out, "%s{\"n\":%" PRIu64, separator, loss->count);
        print_enum(out, "cause", &mitm__loss_cause__descriptor, cause);
        /* How many events a damaged place held is not known. */
        print_optional(out, "events", cause == MITM__LOSS_CAUSE__DAMAGE ? MODEL_NONE : model_number(loss->events));
        print_number(out, "bytes", loss->len_bytes);
        putc('}', out);
        separator = ",";
    }
    putc(']', out);
}

static void print_range(FILE *out, const char *name, const struct model_delay *delay)
{
    if (delay->min_ns == MODEL_NONE)
        fprintf(out, ",\"%s\":null", name);
    else
        fprintf(out, ",\"%s\":{\"min_ns\":%" PRId64 ",\"max_ns\":%" PRId64 "}", name, delay->min_ns, delay->max_ns);
}

static void print_settings(FILE *out, const struct model_settings *s)
{
    fprintf(out, "{\"t_ns\":%" PRId64, s->t_ns);
    print_enum(out, "origin", &mitm__settings_origin__descriptor, s->origin);
    print_range(out, "connect_delay", &s->connect_delay);
    print_range(out, "request_delay", &s->request_delay);
    if (s->has_seed)
        print_number(out, "seed", s->seed);
    else
        fputs(",\"seed\":null", out);
    print_optional(out, "rate_down", s->rates[MODEL_TO_CLIENT]);
    print_optional(out, "rate_up", s->rates[MODEL_TO_SERVER]);
    print_optional(out, "rate_down_total", s->rates_total[MODEL_TO_CLIENT]);
    print_optional(out, "rate_up_total", s->rates_total[MODEL_TO_SERVER]);
    print_enum(out, "upstream_kind", &mitm__upstream_kind__descriptor, s->upstream_kind);
    print_text(out, "upstream_address", s->upstream_address);
    putc('}', out);
}

/* Print what the user did: all settings in turn, marks, pauses; with how many there were, as long lists are cut. */
static void print_control(FILE *out, const struct model_session *session)
{
    fputs(",\"settings\":[", out);
    for (size_t i = 0; i < session->setting_count; i++) {
        fputs(i > 0 ? "," : "", out);
        print_settings(out, &session->changes[i]);
    }
    fputs("],\"marks\":[", out);
    for (size_t i = 0; i < session->mark_count; i++) {
        fprintf(out, "%s{\"t_ns\":%" PRId64, i > 0 ? "," : "", session->marks[i].t_ns);
        print_text(out, "text", session->marks[i].text);
        putc('}', out);
    }
    fputs("],\"pauses\":[", out);
    for (size_t i = 0; i < session->pause_count; i++) {
        const struct model_pause *pause = &session->pauses[i];
        fprintf(out, "%s{\"t_ns\":%" PRId64 ",\"resumed\":%s", i > 0 ? "," : "", pause->t_ns,
                pause->resumed ? "true" : "false");
        if (pause->resumed)
            print_number(out, "events", pause->events);
        putc('}', out);
    }
    putc(']', out);
    print_number(out, "setting_total", session->setting_total);
    print_number(out, "mark_total", session->mark_total);
    print_number(out, "pause_total", session->pause_total);
}

static void print_proxy(FILE *out, const struct model_session *session)
{
    uint64_t n = session->delay_count;
    fprintf(out, ",\"proxy_delay\":{\"n\":%" PRIu64, n);
    print_optional(out, "sum_ns", n > 0 ? model_number(session->delay_sum_ns) : MODEL_NONE);
    print_optional(out, "max_ns", n > 0 ? model_number(session->delay_max_ns) : MODEL_NONE);
    fprintf(out, "},\"clock_steps\":%" PRIu64, session->clock_steps);
    print_number(out, "unknown_events", session->unknown_events);
    print_number(out, "left_out_events", session->overflow);
}

/* What would have been inferred in place of what was decrypted; null: nothing was. */
static void print_inference(FILE *out, const struct stats *stats)
{
    fputs(",\"inference\":", out);
    if (stats->total.decrypted == 0) {
        fputs("null", out);
        return;
    }
    struct inference inference = inference_of(stats->session, stats->quantile_type);
    inference_json(out, &inference);
}

void stats_json(FILE *out, const struct stats *stats, size_t number)
{
    putc('{', out);
    print_session(out, stats->session, number);
    print_losses(out, stats->session);
    print_control(out, stats->session);
    print_proxy(out, stats->session);
    fputs(",\"total\":{", out);
    print_row(out, &stats->total);
    putc('}', out);
    print_inference(out, stats);
    fputs(",\"servers\":[", out);
    for (size_t i = 0; i < stats->row_count; i++) {
        if (i > 0)
            putc(',', out);
        print_server(out, &stats->rows[i]);
    }
    fputs("]}", out);
}
