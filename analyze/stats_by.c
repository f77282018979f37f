#include "analyze/stats_by.h"

const char *const stats_levels[] = {[STATS_BY_REQUEST] = "request",
                                    [STATS_BY_CONNECTION] = "connection",
                                    [STATS_BY_SERVER] = "server",
                                    [STATS_BY_PAGE] = "page",
                                    [STATS_BY_SESSION] = "session"};

static bool has_failures(const struct stats_by *options)
{
    return options->level == STATS_BY_SERVER || options->level == STATS_BY_SESSION;
}

static void write_json(FILE *out, const struct stats_by *options)
{
    fprintf(out, "{\"by\":\"%s\",\"quantile_type\":%u", stats_levels[options->level], options->quantile_type);
    if (options->level != STATS_BY_SERVER) {
        fputs(",\"rows\":", out);
        stats_rows(out, options, STATS_ALL);
    }
    fputs(",\"distributions\":", out);
    stats_spreads(out, options);
    if (has_failures(options)) {
        fputs(",\"failures\":", out);
        stats_failure_classes(out, options);
    }
    fputs("}\n", out);
}

static void write_for_people(FILE *out, const struct stats_by *options)
{
    for (int detail = STATS_MAIN; options->level == STATS_BY_PAGE && detail <= STATS_SHARES; detail++) {
        stats_rows(out, options, (enum stats_detail)detail);
        putc('\n', out);
    }
    stats_spreads(out, options);
    if (has_failures(options)) {
        putc('\n', out);
        stats_failure_classes(out, options);
    }
}

void stats_by(FILE *out, const struct stats_by *options)
{
    if (options->format == TABLE_JSON)
        write_json(out, options);
    else if (options->format != TABLE_CSV)
        write_for_people(out, options);
    else if (options->level == STATS_BY_SERVER)
        stats_spreads(out, options);
    else
        stats_rows(out, options, STATS_ALL);
}
