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

void stats_csv_head(FILE *out)
{
    static const char *const parts[] = {"n", "min", "median", "p90", "p99", "max"};
    fputs("session,file,label,server,port,connections,open_connections,requests,responses,incomplete_responses,"
          "violations,"
          "received_bytes,sent_bytes,mean_response_ns,total_connection_ns",
          out);
    for (int q = 0; q < STATS_QUANTITIES; q++) {
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            fprintf(out, ",%s_%s", stats_quantity_name((enum stats_quantity)q), parts[i]);
    }
    fputs(",socks_failures,limited_transfers,possible_leaks,connect_delay_min_ns,connect_delay_max_ns,request_delay_"
          "min_ns,"
          "request_delay_max_ns,rate_down,rate_up,rate_down_total,rate_up_total,setting_total,marks,pauses\r\n",
          out);
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

static void print_row(FILE *out, const struct stats *stats, const struct stats_row *row, size_t number)
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
    for (int q = 0; q < STATS_QUANTITIES; q++) {
        const struct stats_summary *s = &row->quantities[q];
        fprintf(out, ",%zu", s->count);
        print_optional(out, s->min);
        print_optional(out, s->median);
        print_optional(out, s->p90);
        print_optional(out, s->p99);
        print_optional(out, s->max);
    }
    print_failures(out, row);
    fprintf(out, ",%" PRIu64 ",%" PRIu64, row->limited, row->leaks);
    print_control(out, stats->session);
    fputs("\r\n", out);
}

void stats_csv(FILE *out, const struct stats *stats, size_t number)
{
    for (size_t i = 0; i < stats->row_count; i++)
        print_row(out, stats, &stats->rows[i], number);
}
