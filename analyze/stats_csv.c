#include <inttypes.h>
#include <string.h>

#include "analyze/escape.h"
#include "analyze/settings.h"
#include "analyze/stats.h"

static void print_optional(FILE *out, int64_t value)
{
    putc(',', out);
    if (value != MODEL_NONE)
        fprintf(out, "%" PRId64, value);
}

/* Columns are never moved: quantities that were added later stand at the end. */
enum { FIRST_LATER = STATS_TLS };

static void head_of_quantities(FILE *out, int from, int to)
{
    static const char *const parts[] = {"n", "min", "median", "p90", "p99", "max"};
    for (int q = from; q < to; q++) {
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            fprintf(out, ",%s_%s", stats_quantity_name((enum stats_quantity)q), parts[i]);
    }
}

static void print_quantities(FILE *out, const struct stats_row *row, int from, int to)
{
    for (int q = from; q < to; q++) {
        const struct stats_summary *s = &row->quantities[q];
        fprintf(out, ",%zu", s->count);
        print_optional(out, s->min);
        print_optional(out, s->median);
        print_optional(out, s->p90);
        print_optional(out, s->p99);
        print_optional(out, s->max);
    }
}

static void print_head(FILE *out, bool protocols)
{
    fputs("session,file,label,server,port,connections,open_connections,requests,responses,incomplete_responses,"
          "violations,"
          "received_bytes,sent_bytes,mean_response_ns,total_connection_ns",
          out);
    head_of_quantities(out, STATS_SOCKS, FIRST_LATER);
    fputs(",socks_failures,limited_transfers,possible_leaks,connect_delay_min_ns,connect_delay_max_ns,request_delay_"
          "min_ns,"
          "request_delay_max_ns,rate_down,rate_up,rate_down_total,rate_up_total,setting_total,marks,pauses",
          out);
    if (!protocols) {
        fputs("\r\n", out);
        return;
    }
    head_of_quantities(out, FIRST_LATER, STATS_QUANTITIES);
    fputs(",decrypted,tls_connections,decrypted_connections,exact_handshakes,inferred_handshakes,inferred_turns,"
          "http2_connections,canceled_requests\r\n",
          out);
}

void stats_csv_head(FILE *out)
{
    print_head(out, false);
}

void stats_csv_wide_head(FILE *out)
{
    print_head(out, true);
}

static void print_server(FILE *out, const struct stats_row *row)
{
    if (!row->server)
        fputs("(no request),", out);
    else if (row->server->kind == MODEL_SERVER_LOOKUP)
        fputs("(name look-ups),", out);
    else {
        escape_print_csv(out, row->server->host);
        fprintf(out, ",%" PRIu32, row->server->port);
    }
}

/* Replies as two hexadecimal digits with their numbers: "05:3 F0:1". */
static void print_failures(FILE *out, const struct stats_row *row)
{
    putc(',', out);
    for (size_t i = 0; i < row->failure_count; i++)
        fprintf(out, "%s%02" PRIX32 ":%" PRIu64, i > 0 ? " " : "", row->failures[i].reply, row->failures[i].count);
}

/* The latest settings, how many there were, marks and pauses of the session. */
static void print_control(FILE *out, const struct model_session *session)
{
    const struct model_settings *s = &session->settings;
    const int64_t values[] = {s->connect_delay.min_ns,         s->connect_delay.max_ns,
                              s->request_delay.min_ns,         s->request_delay.max_ns,
                              s->rates[MODEL_TO_CLIENT],       s->rates[MODEL_TO_SERVER],
                              s->rates_total[MODEL_TO_CLIENT], s->rates_total[MODEL_TO_SERVER]};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        print_optional(out, values[i]);
    fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%zu", session->setting_total, session->mark_total, settings_pauses(session));
}

/* What not every recording has: see print_head(). */
static void print_protocols(FILE *out, const struct model_session *session, const struct stats_row *row)
{
    print_quantities(out, row, FIRST_LATER, STATS_QUANTITIES);
    const uint64_t counts[] = {session->decrypted, row->tls,   row->decrypted, row->handshakes - row->inferred,
                               row->inferred,      row->turns, row->http2,     row->canceled};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(out, ",%" PRIu64, counts[i]);
}

static void print_row(FILE *out, const struct stats *stats, const struct stats_row *row, size_t number, bool protocols)
{
    const char *file = stats->session->file;
    fprintf(out, "%zu,", number);
    if (file)
        escape_print_csv(out, (struct text){(const uint8_t *)file, (uint32_t)strlen(file)});
    putc(',', out);
    escape_print_csv(out, stats->session->label);
    putc(',', out);
    print_server(out, row);
    const uint64_t counts[] = {row->connections, row->open,       row->requests,
                               row->responses,   row->incomplete, row->violations};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(out, ",%" PRIu64, counts[i]);
    print_optional(out, row->received_bytes);
    print_optional(out, row->sent_bytes);
    print_optional(out, row->mean_response_ns);
    print_optional(out, row->connection_ns);
    print_quantities(out, row, STATS_SOCKS, FIRST_LATER);
    print_failures(out, row);
    fprintf(out, ",%" PRIu64 ",%" PRIu64, row->limited, row->leaks);
    print_control(out, stats->session);
    if (protocols)
        print_protocols(out, stats->session, row);
    fputs("\r\n", out);
}

void stats_csv(FILE *out, const struct stats *stats, size_t number)
{
    for (size_t i = 0; i < stats->row_count; i++)
        print_row(out, stats, &stats->rows[i], number, false);
}

void stats_csv_wide(FILE *out, const struct stats *stats, size_t number)
{
    for (size_t i = 0; i < stats->row_count; i++)
        print_row(out, stats, &stats->rows[i], number, true);
}
