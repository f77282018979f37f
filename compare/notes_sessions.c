/* What differs between the recordings, and what is wrong with them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/metrics.h"
#include "analyze/settings.h"
#include "base/memory.h"
#include "base/plain.h"
#include "compare/notes_parts.h"

typedef void (*print_aspect)(FILE *out, const struct model_session *session);

static void print_delays(FILE *out, const struct model_session *session)
{
    struct model_settings settings = session->settings;
    for (int i = 0; i < MODEL_DIRECTIONS; i++)
        settings.rates[i] = settings.rates_total[i] = MODEL_NONE;
    if (settings.t_ns == MODEL_NONE)
        fputs("not recorded", out);
    else if (settings.connect_delay.min_ns == MODEL_NONE && settings.request_delay.min_ns == MODEL_NONE)
        fputs("no delays", out);
    else
        settings_print(out, &settings);
}

static void print_limits(FILE *out, const struct model_session *session)
{
    const struct model_settings *s = &session->settings;
    const int64_t rates[] = {s->rates[MODEL_TO_CLIENT], s->rates[MODEL_TO_SERVER], s->rates_total[MODEL_TO_CLIENT],
                             s->rates_total[MODEL_TO_SERVER]};
    static const char *const names[] = {"down", "up", "down in all", "up in all"};
    if (s->t_ns == MODEL_NONE) {
        fputs("not recorded", out);
        return;
    }
    bool none = true;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        if (rates[i] != MODEL_NONE) {
            fprintf(out, "%s%" PRId64 " B/s %s", none ? "" : ", ", rates[i], names[i]);
            none = false;
        }
    }
    if (none)
        fputs("no rate limits", out);
}

static void print_enum(FILE *out, const ProtobufCEnumDescriptor *descriptor, uint32_t value)
{
    const char *word = event_enum_name(descriptor, (int)value);
    fputs(word && value != 0 ? word : "not recorded", out);
}

static void print_upstream(FILE *out, const struct model_session *session)
{
    print_enum(out, &mitm__upstream_kind__descriptor, session->upstream_kind);
}

static void print_time_source(FILE *out, const struct model_session *session)
{
    print_enum(out, &mitm__time_source__descriptor, session->time_source);
}

static void print_tool(FILE *out, const struct model_session *session)
{
    if (session->tool.len > 0)
        plain_print(out, session->tool.data, session->tool.len);
    else
        fputs("not recorded", out);
}

static int by_string(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Return the different things that the group's sessions have, separated by " / ", in alphabetical order; store how many
 * there are. */
static char *aspect_of(const struct compare_group *group, print_aspect print, size_t *count)
{
    size_t n = model_session_count(group->model), len;
    char **each = memory_new(n, sizeof *each);
    for (size_t s = 0; s < n; s++) {
        FILE *out = open_memstream(&each[s], &len);
        if (!out)
            abort();
        print(out, model_session(group->model, s));
        if (fclose(out) != 0)
            abort();
    }
    qsort(each, n, sizeof(char *), by_string);
    char *all = NULL;
    FILE *out = open_memstream(&all, &len);
    if (!out)
        abort();
    size_t different = 0;
    for (size_t s = 0; s < n; s++) {
        if (s > 0 && strcmp(each[s], each[s - 1]) == 0)
            continue;
        if (different++ < NOTE_LIST_MOST)
            fprintf(out, "%s%s", different > 1 ? " / " : "", each[s]);
    }
    if (different > NOTE_LIST_MOST)
        fprintf(out, " / and %zu more", different - NOTE_LIST_MOST);
    if (fclose(out) != 0)
        abort();
    for (size_t s = 0; s < n; s++)
        free(each[s]);
    free(each);
    *count = different;
    return all;
}

/* Say it if not all sessions of all groups are alike in an aspect. */
static void compare_aspect(struct comparison *c, const char *code, const char *sentence, print_aspect print)
{
    struct note_writer w;
    note_begin(&w);
    fputs(sentence, w.out);
    bool alike = true;
    char *first = NULL;
    for (size_t g = 0; g < c->group_count; g++) {
        size_t count;
        char *own = aspect_of(&c->groups[g], print, &count);
        alike &= count <= 1 && (!first || strcmp(own, first) == 0);
        fprintf(w.out, "%s '%s' %s", g > 0 ? ";" : "", c->groups[g].name, own[0] ? own : "nothing");
        if (first)
            free(own);
        else
            first = own;
    }
    free(first);
    fputc('.', w.out);
    if (!alike) {
        note_end(&w, c, code);
        return;
    }
    fclose(w.out);
    free(w.text);
}

static bool is_cut_off(const struct model_session *session)
{
    return !session->started || !session->ended || (session->has_recorded && session->recorded > session->records);
}

static bool has_pauses(const struct model_session *session)
{
    return session->pause_total > 0;
}

static bool has_losses(const struct model_session *session)
{
    uint64_t n = session->overflow;
    for (size_t i = 0; i < MODEL_LOSS_CAUSES; i++)
        n += session->losses[i].count;
    return n > 0;
}

static bool has_changes(const struct model_session *session)
{
    return session->setting_total > 1;
}

static bool has_clock_steps(const struct model_session *session)
{
    return session->clock_steps > 0;
}

static bool is_encrypted(const struct model_session *session)
{
    for (size_t i = 0; i < session->connection_count; i++) {
        if (metrics_hidden(model_connection(session, i)))
            return true;
    }
    return false;
}

/* Say in how many of each group's recordings something is the case. */
static void count_sessions(struct comparison *c, const char *code, const char *sentence,
                           bool (*is)(const struct model_session *session))
{
    for (size_t g = 0; g < c->group_count; g++) {
        const struct model *model = c->groups[g].model;
        size_t n = model_session_count(model), count = 0, first = 0;
        for (size_t s = n; s > 0; s--) {
            if (is(model_session(model, s - 1))) {
                count++;
                first = s - 1;
            }
        }
        if (count == 0)
            continue;
        struct note_writer w;
        note_begin(&w);
        fprintf(w.out, "'%s': %zu of %zu recordings %s (", c->groups[g].name, count, n, sentence);
        const char *file = model_session(model, first)->file;
        plain_print(w.out, file, file ? strlen(file) : 0);
        fputs(count > 1 ? ", …)." : ").", w.out);
        note_end(&w, c, code);
    }
}

/* A recording's start to the nanosecond, with its number of events, occurs once only. */
static bool same_session(const struct model_session *a, const struct model_session *b)
{
    return a->has_wall_clock && b->has_wall_clock && a->wall_clock_ns == b->wall_clock_ns && a->records == b->records &&
           a->last_ns == b->last_ns;
}

static bool twice(const struct comparison *c, size_t g, size_t s, size_t h, size_t r)
{
    const struct model_session *a = model_session(c->groups[g].model, s), *b = model_session(c->groups[h].model, r);
    bool files = a->file && b->file && g != h && strcmp(a->file, b->file) == 0;
    return files || same_session(a, b);
}

static void find_twice(struct comparison *c)
{
    for (size_t g = 0; g < c->group_count; g++) {
        for (size_t s = 0; s < model_session_count(c->groups[g].model); s++) {
            for (size_t h = g; h < c->group_count; h++) {
                for (size_t r = h == g ? s + 1 : 0; r < model_session_count(c->groups[h].model); r++) {
                    if (!twice(c, g, s, h, r))
                        continue;
                    struct note_writer w;
                    note_begin(&w);
                    const char *file = model_session(c->groups[g].model, s)->file;
                    fputs("The same recording is compared twice: ", w.out);
                    plain_print(w.out, file, file ? strlen(file) : 0);
                    fprintf(w.out, " ('%s' and '%s').", c->groups[g].name, c->groups[h].name);
                    note_end(&w, c, "same-recording");
                    return;
                }
            }
        }
    }
}

void notes_of_sessions(struct comparison *c)
{
    for (size_t g = 0; g < c->group_count; g++) {
        if (model_session_count(c->groups[g].model) > 0)
            continue;
        struct note_writer w;
        note_begin(&w);
        fprintf(w.out, "'%s': there is no session in its files.", c->groups[g].name);
        note_end(&w, c, "no-session");
    }
    find_twice(c);
    compare_aspect(c, "different-delays", "Delays were added on purpose that differ:", print_delays);
    compare_aspect(c, "different-limits", "Rate limits differ:", print_limits);
    compare_aspect(c, "different-upstreams", "Recorded through different upstreams:", print_upstream);
    compare_aspect(c, "different-versions", "Recorded by different versions:", print_tool);
    compare_aspect(c, "different-time-sources", "Times are from different sources:", print_time_source);
    count_sessions(c, "changed-settings", "had their settings changed on the way", has_changes);
    count_sessions(c, "paused", "were paused on the way", has_pauses);
    count_sessions(c, "cut-off", "were cut off or lack events", is_cut_off);
    count_sessions(c, "not-decrypted", "have TLS connections that are not decrypted: their requests are missing",
                   is_encrypted);
    count_sessions(c, "losses", "have gaps: events were lost", has_losses);
    count_sessions(c, "clock-steps", "were made while the clock was set", has_clock_steps);
}
