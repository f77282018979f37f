#include "render/bars.h"

#include <glib.h>
#include <math.h>

double bars_x(const struct bars_axis *axis, int64_t t_ns)
{
    if (t_ns <= axis->from_ns)
        return axis->x0;
    if (t_ns >= axis->to_ns)
        return axis->x1;
    double share =
        (double)((uint64_t)t_ns - (uint64_t)axis->from_ns) / (double)((uint64_t)axis->to_ns - (uint64_t)axis->from_ns);
    return axis->x0 + share * (axis->x1 - axis->x0);
}

/* A bar in the order of time. */
struct ordered_bar {
    const struct figure_bar *bar;
    struct bar_place *place;
    int64_t to_ns; /* not before from_ns */
};

static int compare_bars(const void *left, const void *right)
{
    const struct ordered_bar *a = left;
    const struct ordered_bar *b = right;
    if (a->bar->from_ns != b->bar->from_ns)
        return a->bar->from_ns < b->bar->from_ns ? -1 : 1;
    if (a->to_ns != b->to_ns)
        return a->to_ns < b->to_ns ? -1 : 1;
    return a->bar < b->bar ? -1 : a->bar > b->bar;
}

/* The tracks of a lane that have been used so far. */
struct tracks {
    size_t count;
    int64_t end_ns[BARS_MAX_TRACKS];
    double end_x[BARS_MAX_TRACKS]; /* of what is drawn */
};

/* Return the first track that is free at `from_ns`, a new one, or else the one that is free first. */
static size_t choose_track(struct tracks *tracks, int64_t from_ns, double x0)
{
    size_t earliest = 0;
    for (size_t i = 0; i < tracks->count; i++) {
        if (tracks->end_ns[i] <= from_ns)
            return i;
        if (tracks->end_ns[i] < tracks->end_ns[earliest])
            earliest = i;
    }
    if (tracks->count == BARS_MAX_TRACKS)
        return earliest;
    tracks->end_x[tracks->count] = x0;
    return tracks->count++;
}

/* Give the bar at `place`, whose true extent is place->x0 … x1, its room on its track. */
static void fit_on_track(struct bar_place *place, struct tracks *tracks)
{
    double *end_x = &tracks->end_x[place->track];
    double x0 = fmax(place->x0, *end_x);
    double x1 = fmin(fmax(place->x1, x0 + BARS_MIN_WIDTH), place->x1 + BARS_MAX_SHIFT);
    if (x1 - x0 < BARS_MIN_WIDTH / 2) {
        place->shape = BAR_CROWDED;
        return;
    }
    place->shape = BAR_RECT;
    place->x0 = x0;
    place->x1 = x1;
    *end_x = x1;
}

/* Place one bar. Dots take no room on a track. */
static void place_bar(const struct bars_axis *axis, const struct figure_phase *palette,
                      const struct ordered_bar *ordered, struct tracks *tracks)
{
    const struct figure_bar *bar = ordered->bar;
    struct bar_place *place = ordered->place;
    *place = (struct bar_place){.shape = BAR_OUTSIDE};
    if (ordered->to_ns < axis->from_ns || bar->from_ns > axis->to_ns)
        return;
    place->x0 = bars_x(axis, bar->from_ns);
    place->x1 = bars_x(axis, ordered->to_ns);
    place->track = choose_track(tracks, bar->from_ns, place->x0);
    tracks->end_ns[place->track] = MAX(ordered->to_ns, tracks->end_ns[place->track]);
    if (palette[bar->phase].dot_when_short && place->x1 - place->x0 < BARS_DOT_WIDTH)
        place->shape = BAR_DOT;
    else
        fit_on_track(place, tracks);
}

size_t bars_place(const struct bars_axis *axis, const struct figure_phase *palette, const struct figure_bar *bars,
                  size_t count, struct bar_place *places)
{
    struct ordered_bar *ordered = g_new(struct ordered_bar, count + 1);
    for (size_t i = 0; i < count; i++)
        ordered[i] = (struct ordered_bar){&bars[i], &places[i], MAX(bars[i].from_ns, bars[i].to_ns)};
    qsort(ordered, count, sizeof *ordered, compare_bars);
    struct tracks tracks = {.count = 0};
    for (int i = 0; i < BARS_MAX_TRACKS; i++)
        tracks.end_ns[i] = INT64_MIN;
    for (size_t i = 0; i < count; i++)
        place_bar(axis, palette, &ordered[i], &tracks);
    g_free(ordered);
    return MAX(tracks.count, 1);
}
