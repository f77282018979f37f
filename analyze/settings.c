#include "analyze/settings.h"

#include <inttypes.h>

#include "analyze/format.h"

/* Write what separates the parts. */
static void separate(FILE *out, bool *first)
{
    fputs(*first ? "" : "; ", out);
    *first = false;
}

static void print_delay(FILE *out, bool *first, const char *name, const struct model_settings *settings,
                        const struct model_delay *delay)
{
    char min[FORMAT_BYTES], max[FORMAT_BYTES];
    if (delay->min_ns == MODEL_NONE)
        return;
    separate(out, first);
    fprintf(out, "%s delay %s", name, format_duration(min, delay->min_ns));
    if (delay->max_ns == delay->min_ns)
        return;
    fprintf(out, " to %s", format_duration(max, delay->max_ns));
    if (settings->has_seed)
        fprintf(out, " (seed %" PRIu64 ")", settings->seed);
}

static void print_rates(FILE *out, bool *first, const int64_t rates[MODEL_DIRECTIONS], const char *whose)
{
    static const char *const ways[MODEL_DIRECTIONS] = {[MODEL_TO_SERVER] = "up", [MODEL_TO_CLIENT] = "down"};
    char buffer[FORMAT_BYTES];
    for (int direction = MODEL_DIRECTIONS - 1; direction >= 0; direction--) {
        if (rates[direction] == MODEL_NONE)
            continue;
        separate(out, first);
        fprintf(out, "%s/s %s %s", format_size(buffer, (uint64_t)rates[direction]), ways[direction], whose);
    }
}

void settings_print(FILE *out, const struct model_settings *settings)
{
    bool first = true;
    print_delay(out, &first, "connect", settings, &settings->connect_delay);
    print_delay(out, &first, "request", settings, &settings->request_delay);
    print_rates(out, &first, settings->rates, "per connection");
    print_rates(out, &first, settings->rates_total, "in all");
    if (first)
        fputs("no delays, no rate limits", out);
}

int64_t settings_paused_ns(const struct model_session *session)
{
    uint64_t sum_ns = 0;
    int64_t since_ns = MODEL_NONE;
    for (size_t i = 0; i <= session->pause_count; i++) {
        bool end = i == session->pause_count;
        if (!end && !session->pauses[i].resumed) {
            if (since_ns == MODEL_NONE)
                since_ns = session->pauses[i].t_ns;
            continue;
        }
        int64_t until_ns = end ? session->last_ns : session->pauses[i].t_ns;
        if (since_ns != MODEL_NONE && until_ns > since_ns)
            sum_ns = rate_sum(sum_ns, (uint64_t)(until_ns - since_ns));
        since_ns = MODEL_NONE;
    }
    return model_number(sum_ns);
}

size_t settings_pauses(const struct model_session *session)
{
    size_t n = 0;
    for (size_t i = 0; i < session->pause_count; i++)
        n += !session->pauses[i].resumed;
    return n;
}

uint64_t settings_paused_events(const struct model_session *session)
{
    uint64_t n = 0;
    for (size_t i = 0; i < session->pause_count; i++)
        n = rate_sum(n, session->pauses[i].events);
    return n;
}
