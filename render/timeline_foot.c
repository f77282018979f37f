/* What follows the lanes of a timeline: strips, share bar and notes. */
#include <math.h>

#include "render/timeline_parts.h"

#define STRIP_HEIGHT    46.0
#define SHARE_HEIGHT    18.0
#define SMALL_SHARE_GAP 12.0
#define MAX_NOTES       20
#define MAX_NOTE_LINES  4

/* Go on with a new page unless there is room for `height`; return whether a page was begun. */
static bool make_room(struct timeline *timeline, double height)
{
    if (timeline->y + height <= timeline_bottom(timeline))
        return false;
    timeline_new_page(timeline);
    return true;
}

/* Add a label of the left column, and a quiet text of up to three lines below it; return where that ends. */
static double add_heading(struct timeline *timeline, struct figure_text text, const char *below, double top)
{
    struct text_meter *meter = timeline->layout->meter;
    const char *label = timeline_text(timeline, text);
    label = text_fit(meter, TEXT_HEADING, label, timeline->label_width, TEXT_CUT_MIDDLE);
    layout_add_text(timeline->layout, timeline->page, TEXT_HEADING, INK_TEXT, label, timeline->margin, top,
                    LAYOUT_LEFT);
    const char *lines[3];
    size_t count = text_wrap(meter, TEXT_SMALL, below, timeline->label_width, lines, G_N_ELEMENTS(lines));
    double y = top + 15;
    for (size_t i = 0; i < count; i++, y += 13)
        layout_add_text(timeline->layout, timeline->page, TEXT_SMALL, INK_QUIET, lines[i], timeline->margin, y,
                        LAYOUT_LEFT);
    return y;
}

/* Return the time at which bin `i` of `strip` begins. */
static int64_t bin_start(const struct figure_strip *strip, size_t i)
{
    int64_t offset;
    int64_t start;
    if (__builtin_mul_overflow((int64_t)i, strip->bin_ns, &offset) ||
        __builtin_add_overflow(strip->from_ns, offset, &start))
        return INT64_MAX;
    return start;
}

/* A column of a strip: bins joined until they are wide enough to see. */
struct column {
    double x0;
    double x1;
    double bytes_per_s;
};

/* Join the bins of `strip` that lie on the axis to columns of at least one unit width. */
static GArray *strip_columns(const struct timeline *timeline, const struct figure_strip *strip)
{
    GArray *columns = g_array_new(FALSE, FALSE, sizeof(struct column));
    size_t i = 0;
    while (i < strip->bin_count) {
        int64_t from_ns = bin_start(strip, i);
        double x0 = bars_x(&timeline->axis, from_ns);
        double x1 = x0;
        double bytes = 0;
        size_t first = i;
        int64_t to_ns = from_ns;
        while (i < strip->bin_count && x1 - x0 < 1) {
            bytes += (double)strip->bins[i];
            to_ns = bin_start(strip, ++i);
            x1 = bars_x(&timeline->axis, to_ns);
            if (to_ns <= timeline->axis.from_ns || to_ns >= timeline->axis.to_ns)
                break;
        }
        if (to_ns <= timeline->axis.from_ns)
            continue;
        if (from_ns >= timeline->axis.to_ns)
            break;
        struct column column = {x0, x1, bytes / ((double)(i - first) * (double)strip->bin_ns / 1e9)};
        g_array_append_val(columns, column);
    }
    return columns;
}

/* Add the curve of the columns: steps within `plot`, scaled by `scale`. */
static void add_curve(struct timeline *timeline, const GArray *columns, const struct axis_rate *scale,
                      struct layout_rect plot, struct figure_color color)
{
    GArray *points = g_array_new(FALSE, FALSE, sizeof(struct layout_point));
    for (guint i = 0; i < columns->len; i++) {
        const struct column *column = &g_array_index(columns, struct column, i);
        double share = column->bytes_per_s / ((double)scale->top * (double)scale->unit);
        double y = plot.y + plot.height * (1 - fmin(share, 1));
        struct layout_point steps[] = {{column->x0, y}, {column->x1, y}};
        g_array_append_vals(points, steps, 2);
    }
    const struct layout_point *all = (const struct layout_point *)(void *)points->data;
    if (points->len > 0) {
        struct layout_rect area = {all[0].x, plot.y, all[points->len - 1].x - all[0].x, plot.height};
        layout_add_area(timeline->page, area, all, points->len, color);
    }
    g_array_free(points, TRUE);
}

static void add_strip(struct timeline *timeline, const struct figure_strip *strip)
{
    struct layout *layout = timeline->layout;
    if (make_room(timeline, timeline_axis_height(timeline) + STRIP_HEIGHT + 40)) {
        timeline_add_axis(timeline);
        timeline->y += 6;
    } else {
        timeline->y += 20;
    }
    GArray *columns = strip_columns(timeline, strip);
    double peak = 0;
    for (guint i = 0; i < columns->len; i++)
        peak = fmax(peak, g_array_index(columns, struct column, i).bytes_per_s);
    struct axis_rate scale = axis_rate_scale(peak);
    struct layout_rect plot = {timeline->axis.x0, timeline->y, timeline->axis.x1 - timeline->axis.x0, STRIP_HEIGHT};
    double bottom = plot.y + plot.height;
    timeline_add_grid(timeline, plot.y, bottom);
    layout_add_line(timeline->page, LAYOUT_LINE, (struct layout_point){plot.x, plot.y},
                    (struct layout_point){plot.x + plot.width, plot.y}, 1, INK_LINE);
    layout_add_line(timeline->page, LAYOUT_LINE, (struct layout_point){plot.x, bottom},
                    (struct layout_point){plot.x + plot.width, bottom}, 1, INK_LIFE);
    add_curve(timeline, columns, &scale, plot, strip->color);
    timeline_add_marks(timeline, plot.y, bottom);
    add_heading(timeline, strip->label, scale.unit_name, plot.y + 6);
    double middle = text_height(layout->meter, TEXT_SMALL) / 2;
    layout_add_text(layout, timeline->page, TEXT_SMALL, INK_QUIET, text_format(layout->meter, "%u", scale.top),
                    timeline->number_right, plot.y - middle, LAYOUT_RIGHT);
    layout_add_text(layout, timeline->page, TEXT_SMALL, INK_QUIET, "0", timeline->number_right, bottom - middle,
                    LAYOUT_RIGHT);
    g_array_free(columns, TRUE);
    timeline->y = bottom + 8;
}

/* Return black or white, whichever is easier to read on `color`. */
static struct figure_color ink_on(struct figure_color color)
{
    unsigned lightness = 299u * color.red + 587u * color.green + 114u * color.blue;
    return lightness > 140000 ? INK_TEXT : INK_PAPER;
}

/* Return "SOCKS 31 %" for `share` of `total`. */
static const char *share_label(struct timeline *timeline, const struct figure_share *share, double total)
{
    const struct figure_phase *phase = &timeline->figure->palette[share->phase];
    const char *name = timeline_text(timeline, phase->short_label.len_bytes > 0 ? phase->short_label : phase->label);
    if (share->inferred)
        name = text_format(timeline->layout->meter, "%s (inferred)", name);
    double percent = (double)share->amount / total * 100;
    if (percent < 0.5)
        return text_format(timeline->layout->meter, "%s < 1 %%", name);
    return text_format(timeline->layout->meter, "%s %ld %%", name, lround(percent));
}

/* Add one part of the share bar; return false if its label does not fit into it. */
static bool add_share(struct timeline *timeline, const struct figure_share *share, struct layout_rect rect,
                      const char *label)
{
    struct layout *layout = timeline->layout;
    struct figure_color color = timeline->figure->palette[share->phase].color;
    struct layout_rect shown = rect;
    shown.width = fmax(shown.width - 0.75, fmin(shown.width, 1));
    if (share->inferred)
        layout_add_hatch(timeline->page, shown, color);
    else
        layout_add_rect(timeline->page, shown, color);
    const char *tooltip = share->tooltip.len_bytes > 0 ? timeline_tooltip(timeline, share->tooltip) : label;
    layout_add_hit(layout, timeline->page, rect, tooltip, (struct figure_text){NULL, 0}, NULL);
    if (text_width(layout->meter, TEXT_SMALL, label) + 10 > rect.width)
        return false;
    double top = rect.y + (rect.height - text_height(layout->meter, TEXT_SMALL)) / 2;
    struct layout_rect box = layout_text_rect(layout, TEXT_SMALL, label, rect.x + 6, top, LAYOUT_LEFT);
    if (share->inferred) /* hatching would run through the text */
        layout_add_rect(timeline->page, (struct layout_rect){box.x - 2, box.y, box.width + 4, box.height}, INK_PAPER);
    layout_add_text(layout, timeline->page, TEXT_SMALL, share->inferred ? INK_TEXT : ink_on(color), label, box.x, top,
                    LAYOUT_LEFT);
    return true;
}

/* The label of a part that is too small for it. */
struct small_share {
    const char *text;
    double x; /* left edge */
    double width;
};

/* Move the labels to as close to their parts as they may be without meeting, from the right; return false if they do
 * not fit side by side. */
static bool push_left(GArray *small, struct layout_rect bar)
{
    struct small_share *labels = (struct small_share *)(void *)small->data;
    double limit = bar.x + bar.width;
    for (guint i = small->len; i > 0; i--) {
        labels[i - 1].x = fmin(labels[i - 1].x, limit - labels[i - 1].width);
        limit = labels[i - 1].x - SMALL_SHARE_GAP;
    }
    double width = 0;
    for (guint i = 0; i < small->len; i++)
        width += labels[i].width + (i > 0 ? SMALL_SHARE_GAP : 0);
    return width <= bar.width;
}

/* Add the labels of the parts too small for theirs below the bar: close to their parts or, if they do not fit so, one
 * after the other on as many lines as it takes. Return where that ends. */
static double add_small_shares(struct timeline *timeline, GArray *small, struct layout_rect bar)
{
    bool close = push_left(small, bar);
    double limit = bar.x, y = bar.y + bar.height + 4;
    for (guint i = 0; i < small->len; i++) {
        const struct small_share *label = &g_array_index(small, struct small_share, i);
        double x = close ? fmax(label->x, limit) : limit;
        if (!close && x > bar.x && x + label->width > bar.x + bar.width) {
            x = bar.x;
            y += 13;
        }
        layout_add_text(timeline->layout, timeline->page, TEXT_SMALL, INK_QUIET, label->text, x, y, LAYOUT_LEFT);
        limit = x + label->width + SMALL_SHARE_GAP;
    }
    return y + 14;
}

static void add_shares(struct timeline *timeline)
{
    const struct timeline_figure *figure = timeline->figure;
    double total = 0;
    for (size_t i = 0; i < figure->share_count; i++)
        total += (double)figure->shares[i].amount;
    if (total <= 0)
        return;
    make_room(timeline, SHARE_HEIGHT + 70);
    timeline->y += 20;
    struct layout_rect bar = {timeline->axis.x0, timeline->y, timeline->axis.x1 - timeline->axis.x0, SHARE_HEIGHT};
    double bottom =
        add_heading(timeline, figure->shares_label, timeline_text(timeline, figure->shares_note), bar.y + 1);
    GArray *small = g_array_new(FALSE, FALSE, sizeof(struct small_share));
    double x = bar.x;
    for (size_t i = 0; i < figure->share_count; i++) {
        const struct figure_share *share = &figure->shares[i];
        if (share->amount == 0)
            continue;
        struct layout_rect rect = {x, bar.y, (double)share->amount / total * bar.width, bar.height};
        const char *label = share_label(timeline, share, total);
        if (!add_share(timeline, share, rect, label)) {
            double width = text_width(timeline->layout->meter, TEXT_SMALL, label);
            struct small_share part = {label, rect.x + (rect.width - width) / 2, width};
            g_array_append_val(small, part);
        }
        x += rect.width;
    }
    timeline->y = fmax(add_small_shares(timeline, small, bar), bottom);
    g_array_free(small, TRUE);
}

/* Add one footnote. */
static void add_note(struct timeline *timeline, const char *text)
{
    const char *lines[MAX_NOTE_LINES];
    double room = timeline->options->width - 2 * timeline->margin;
    size_t count = text_wrap(timeline->layout->meter, TEXT_SMALL, text, room, lines, MAX_NOTE_LINES);
    for (size_t i = 0; i < count; i++) {
        make_room(timeline, 16);
        layout_add_text(timeline->layout, timeline->page, TEXT_SMALL, INK_QUIET, lines[i], timeline->margin,
                        timeline->y, LAYOUT_LEFT);
        timeline->y += 15;
    }
}

/* Say how much has no room. */
static void add_crowded(struct timeline *timeline)
{
    const char *remedy = timeline->options->bare ? "" : " A shorter period shows them.";
    if (timeline->crowded > 0)
        add_note(timeline, text_format(timeline->layout->meter, "Not drawn: %zu %s too close to %s.%s",
                                       timeline->crowded, timeline->crowded == 1 ? "bar or sign" : "bars or signs",
                                       timeline->crowded == 1 ? "its neighbours" : "their neighbours", remedy));
}

/* Say what no picture is to be without. */
static void add_reservations(struct timeline *timeline)
{
    if (timeline->figure->lanes_note.len_bytes > 0)
        add_note(timeline, timeline_text(timeline, timeline->figure->lanes_note));
    add_crowded(timeline);
}

void timeline_add_foot(struct timeline *timeline)
{
    const struct timeline_figure *figure = timeline->figure;
    if (timeline->options->bare) {
        add_reservations(timeline);
        return;
    }
    for (size_t i = 0; i < figure->strip_count; i++)
        add_strip(timeline, &figure->strips[i]);
    add_shares(timeline);
    timeline->y += 8;
    for (size_t i = 0; i < figure->note_count && i < MAX_NOTES; i++)
        add_note(timeline, timeline_text(timeline, figure->notes[i]));
    add_reservations(timeline);
}
