#include "compare/timelines.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/chart.h"
#include "base/memory.h"
#include "compare/keys.h"

/* A page load, and where it is. */
struct load {
    int64_t load_ns;
    size_t session, page;
};

struct timelines {
    struct timeline_figure figure;
    struct chart **charts; /* of each group */
    size_t chart_count;
    struct figure_mark *marks;
    struct figure_text subtitle;
    struct figure_group *groups;
    size_t group_count, group_capacity;
    void **owned;
    size_t owned_count, owned_capacity;
};

static void *own(struct timelines *t, void *memory)
{
    t->owned = memory_grow(t->owned, t->owned_count, &t->owned_capacity, sizeof *t->owned);
    return t->owned[t->owned_count++] = memory;
}

/* ---------------------------------------------------------------- choosing */

/* Return the name that occurs most often among those of all groups; false: there is none. */
static bool most_loaded(const struct comparison *c, const struct keys *keys, uint32_t *best)
{
    const struct text *names;
    size_t n = keys_distinct(keys, &names), most = 0;
    size_t *counts = memory_new(n, sizeof *counts);
    for (size_t g = 0; g < c->group_count; g++) {
        for (size_t s = 0; s < model_session_count(c->groups[g].model); s++) {
            for (size_t p = 0; p < pages_count(c->groups[g].pages[s]); p++)
                counts[keys_at(keys, g, s, p)->id] += page_load_ns(pages_get(c->groups[g].pages[s], p)) != MODEL_NONE;
        }
    }
    for (uint32_t id = 0; id < n; id++) {
        bool everywhere = true;
        for (size_t g = 0; g < c->group_count; g++)
            everywhere &= keys_present(keys, id, g);
        if (everywhere && counts[id] > most) {
            most = counts[id];
            *best = id;
        }
    }
    free(counts);
    return most > 0;
}

static int by_load(const void *a, const void *b)
{
    const struct load *x = a, *y = b;
    if (x->load_ns != y->load_ns)
        return x->load_ns < y->load_ns ? -1 : 1;
    if (x->session != y->session)
        return x->session < y->session ? -1 : 1;
    return x->page < y->page ? -1 : x->page > y->page;
}

/* Find the group's load with the median load time, the lower one of two; `name` NULL: of all pages. */
static bool choose(const struct comparison *c, const struct keys *keys, const uint32_t *name, size_t g,
                   struct load *chosen)
{
    struct load *loads = NULL;
    size_t n = 0, capacity = 0;
    for (size_t s = 0; s < model_session_count(c->groups[g].model); s++) {
        for (size_t p = 0; p < pages_count(c->groups[g].pages[s]); p++) {
            int64_t load_ns = page_load_ns(pages_get(c->groups[g].pages[s], p));
            if (load_ns == MODEL_NONE || (name && keys_at(keys, g, s, p)->id != *name))
                continue;
            loads = memory_grow(loads, n, &capacity, sizeof *loads);
            loads[n++] = (struct load){load_ns, s, p};
        }
    }
    if (n > 0) {
        qsort(loads, n, sizeof *loads, by_load);
        *chosen = loads[(n - 1) / 2];
    }
    free(loads);
    return n > 0;
}

/* ---------------------------------------------------------------- shifting and joining */

static int64_t back(int64_t t_ns, int64_t by_ns)
{
    return t_ns < INT64_MIN + by_ns ? INT64_MIN : t_ns - by_ns; /* by_ns ≥ 0 */
}

static struct figure_lane shifted_lane(struct timelines *t, const struct figure_lane *from, int64_t by_ns)
{
    struct figure_lane lane = *from;
    struct figure_bar *bars = own(t, memory_new(lane.bar_count, sizeof *bars));
    struct figure_dot *dots = own(t, memory_new(lane.dot_count, sizeof *dots));
    struct figure_failure *failures = own(t, memory_new(lane.failure_count, sizeof *failures));
    struct figure_stall *stalls = own(t, memory_new(lane.stall_count, sizeof *stalls));
    for (size_t i = 0; i < lane.bar_count; i++) {
        bars[i] = from->bars[i];
        bars[i].from_ns = back(bars[i].from_ns, by_ns);
        bars[i].to_ns = back(bars[i].to_ns, by_ns);
        bars[i].link = (struct figure_text){0};
    }
    for (size_t i = 0; i < lane.dot_count; i++) {
        dots[i] = from->dots[i];
        dots[i].t_ns = back(dots[i].t_ns, by_ns);
        dots[i].link = (struct figure_text){0};
    }
    for (size_t i = 0; i < lane.failure_count; i++) {
        failures[i] = from->failures[i];
        failures[i].t_ns = back(failures[i].t_ns, by_ns);
        failures[i].link = (struct figure_text){0};
    }
    for (size_t i = 0; i < lane.stall_count; i++) {
        const struct figure_stall *stall = &from->stalls[i];
        stalls[i] = (struct figure_stall){stall->bar, back(stall->from_ns, by_ns), back(stall->to_ns, by_ns)};
    }
    lane.bars = bars;
    lane.dots = dots;
    lane.failures = failures;
    lane.stalls = stalls;
    lane.link = (struct figure_text){0};
    lane.from_ns = back(lane.from_ns, by_ns);
    lane.to_ns = back(lane.to_ns, by_ns);
    return lane;
}

/* Add a chart's groups, each called after the group of sessions, too. */
static void add_chart(struct timelines *t, const struct timeline_figure *figure, const char *name, int64_t by_ns)
{
    for (size_t i = 0; i < figure->group_count; i++) {
        const struct figure_group *from = &figure->groups[i];
        struct figure_lane *lanes = own(t, memory_new(from->lane_count, sizeof *lanes));
        for (size_t k = 0; k < from->lane_count; k++)
            lanes[k] = shifted_lane(t, &from->lanes[k], by_ns);
        size_t before = strlen(name) + 2, len = before + from->label.len_bytes;
        char *label = own(t, memory_new(len + 1, 1));
        memcpy(label, name, before - 2);
        memcpy(label + before - 2, ": ", 2);
        if (from->label.len_bytes > 0)
            memcpy(label + before, from->label.bytes, from->label.len_bytes);
        t->groups = memory_grow(t->groups, t->group_count, &t->group_capacity, sizeof *t->groups);
        t->groups[t->group_count++] =
            (struct figure_group){.label = {label, len}, .lanes = lanes, .lane_count = from->lane_count};
    }
}

static void add_load(struct timelines *t, const struct comparison *c, size_t g, const struct load *load)
{
    const struct model_session *session = model_session(c->groups[g].model, load->session);
    const struct pages *pages = c->groups[g].pages[load->session];
    const struct page *page = pages_get(pages, load->page);
    bool *shown = memory_new(session->connection_count, sizeof *shown);
    for (size_t i = 0; i < session->connection_count; i++)
        shown[i] = pages_has_connection(pages, page->number, i);
    t->charts[g] = chart_new(
        session,
        &(struct chart_options){.from_ns = page->start_ns, .to_ns = page->end_ns, .shown = shown, .live = true});
    free(shown);
    const struct timeline_figure *figure = chart_figure(t->charts[g]);
    if (t->figure.palette_count == 0)
        t->figure = *figure;
    if (t->figure.lanes_note.len_bytes == 0)
        t->figure.lanes_note = figure->lanes_note;
    add_chart(t, figure, c->groups[g].name, page->start_ns);
    char *label = NULL;
    if (asprintf(&label, "%s: %.3f s", c->groups[g].name, (double)load->load_ns / 1e9) < 0)
        abort();
    t->marks[g] = (struct figure_mark){load->load_ns, figure_text(own(t, label))};
}

/* Say which loads these are; `page`: of which page, NULL: of all. */
static void set_subtitle(struct timelines *t, const struct text *page)
{
    char *line = NULL;
    size_t len;
    FILE *out = open_memstream(&line, &len);
    if (!out)
        abort();
    fputs("Of each group the page load with the median load time", out);
    if (page && page->len > 0) {
        fputs(", of ", out);
        fwrite(page->data, 1, page->len, out);
    }
    putc('.', out);
    if (fclose(out) != 0)
        abort();
    t->subtitle = (struct figure_text){own(t, line), len};
}

/* Put the parts together on an axis from 0 to `to_ns`. */
static void join(struct timelines *t, int64_t to_ns)
{
    const struct timeline_figure common = t->figure;
    t->figure = (struct timeline_figure){.title = figure_text("Typical page loads"),
                                         .subtitles = &t->subtitle,
                                         .subtitle_count = 1,
                                         .to_ns = to_ns + to_ns / 50,
                                         .palette = common.palette,
                                         .palette_count = common.palette_count,
                                         .inferred_label = common.inferred_label,
                                         .stall_label = common.stall_label,
                                         .dot_label = common.dot_label,
                                         .failure_label = common.failure_label,
                                         .open_label = common.open_label,
                                         .closed_label = common.closed_label,
                                         .groups = t->groups,
                                         .group_count = t->group_count,
                                         .lanes_note = common.lanes_note,
                                         .marks = t->marks,
                                         .mark_count = t->chart_count,
                                         .created_s = common.created_s};
}

static struct timelines *make(const struct comparison *c, const struct load *loads, const struct text *page)
{
    struct timelines *t = memory_new(1, sizeof *t);
    int64_t to_ns = 0;
    t->chart_count = c->group_count;
    t->charts = memory_new(c->group_count, sizeof(struct chart *));
    t->marks = memory_new(c->group_count, sizeof *t->marks);
    for (size_t g = 0; g < c->group_count; g++) {
        add_load(t, c, g, &loads[g]);
        to_ns = loads[g].load_ns > to_ns ? loads[g].load_ns : to_ns;
    }
    set_subtitle(t, page);
    join(t, to_ns);
    return t;
}

struct timelines *timelines_new(const struct comparison *c)
{
    struct texts texts = {0};
    struct keys *keys = keys_new(KEYS_PAGE, c->groups, c->group_count, &texts);
    struct load *loads = memory_new(c->group_count, sizeof *loads);
    const struct text *names;
    uint32_t name;
    (void)keys_distinct(keys, &names);
    bool one = most_loaded(c, keys, &name), all = true;
    for (size_t g = 0; g < c->group_count; g++)
        all &= choose(c, keys, one ? &name : NULL, g, &loads[g]);
    struct timelines *t = all ? make(c, loads, one ? &names[name] : NULL) : NULL;
    free(loads);
    keys_free(keys);
    texts_fini(&texts);
    return t;
}

void timelines_free(struct timelines *t)
{
    if (!t)
        return;
    for (size_t g = 0; g < t->chart_count; g++)
        chart_free(t->charts[g]);
    for (size_t i = 0; i < t->owned_count; i++)
        free(t->owned[i]);
    free(t->owned);
    free(t->charts);
    free(t->marks);
    free(t->groups);
    free(t);
}

const struct timeline_figure *timelines_figure(const struct timelines *t)
{
    return &t->figure;
}
