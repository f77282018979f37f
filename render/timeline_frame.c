/* The frame of a timeline: columns, header, legend, axis and marks. */
#include <math.h>

#include "render/timeline_parts.h"

#define MAX_HEADER_LINES  8 /* of subtitles, and of warnings */
#define MAX_MARK_ROWS     3
#define MARK_ROW_HEIGHT   15.0
#define TICK_ROW_HEIGHT   17.0
#define LEAST_LABEL_WIDTH 150.0 /* of the column of servers, if they need so much */

/* Return the width that the widest of the figure's labels in the left column needs. */
static double widest_heading(struct timeline *timeline)
{
    const struct timeline_figure *figure = timeline->figure;
    struct text_meter *meter = timeline->layout->meter;
    double widest = 0;
    for (size_t i = 0; i < figure->group_count; i++)
        widest = fmax(widest, text_width(meter, TEXT_HEADING, timeline_text(timeline, figure->groups[i].label)));
    for (size_t i = 0; i < figure->strip_count; i++)
        widest = fmax(widest, text_width(meter, TEXT_HEADING, timeline_text(timeline, figure->strips[i].label)));
    if (figure->share_count > 0) {
        widest = fmax(widest, text_width(meter, TEXT_HEADING, timeline_text(timeline, figure->shares_label)));
        widest = fmax(widest, text_width(meter, TEXT_SMALL, timeline_text(timeline, figure->shares_note)));
    }
    return widest;
}

/* Return the width that the widest lane label needs. */
static double widest_lane_label(struct timeline *timeline)
{
    double widest = text_width(timeline->layout->meter, TEXT_SMALL, "1000"); /* numbers of the strips */
    for (size_t i = 0; i < timeline->figure->group_count; i++) {
        const struct figure_group *group = &timeline->figure->groups[i];
        for (size_t k = 0; k < group->lane_count; k++) {
            const char *label = timeline_text(timeline, group->lanes[k].label);
            widest = fmax(widest, text_width(timeline->layout->meter, TEXT_SMALL, label));
        }
    }
    return widest;
}

/* Choose as many ticks as have room for their labels. */
static void choose_ticks(struct timeline *timeline)
{
    struct bars_axis *axis = &timeline->axis;
    double width = axis->x1 - axis->x0;
    for (size_t count = 10; count >= 3; count--) {
        timeline->ticks = axis_time_ticks(axis->from_ns, axis->to_ns, count);
        if (timeline->ticks.count < 2)
            continue;
        char label[AXIS_LABEL_SIZE];
        int64_t last_ns = timeline->ticks.first_ns + (int64_t)(timeline->ticks.count - 1) * timeline->ticks.step_ns;
        axis_time_label(&timeline->ticks, last_ns, label);
        double room = width * (double)timeline->ticks.step_ns / ((double)axis->to_ns - (double)axis->from_ns);
        if (text_width(timeline->layout->meter, TEXT_SMALL, label) + 24 <= room)
            return;
    }
}

void timeline_measure(struct timeline *timeline)
{
    double width = timeline->options->width;
    double numbers = fmin(widest_lane_label(timeline), timeline->heading > 0 ? 36 : 80);
    if (timeline->heading > 0) {
        timeline->label_width = 0;
        timeline->number_right = timeline->margin + numbers;
    } else {
        timeline->label_width = fmin(widest_heading(timeline), fmax(0.22 * width, LEAST_LABEL_WIDTH));
        timeline->number_right = timeline->margin + timeline->label_width + 14 + numbers;
    }
    int64_t from_ns = CLAMP(timeline->figure->from_ns, -AXIS_LIMIT_NS, AXIS_LIMIT_NS - 1000000);
    int64_t to_ns = CLAMP(timeline->figure->to_ns, -AXIS_LIMIT_NS, AXIS_LIMIT_NS);
    timeline->axis = (struct bars_axis){
        .from_ns = from_ns,
        .to_ns = to_ns > from_ns ? to_ns : from_ns + 1000000,
        .x0 = round(timeline->number_right + (timeline->heading > 0 ? 6 : 12)),
        .x1 = round(width - timeline->margin - TIMELINE_END_DISTANCE - TIMELINE_SIGN_RADIUS - 4),
    };
    choose_ticks(timeline);
}

/* Add `text` in at most `max_lines` lines; return how many there were. */
static size_t add_paragraph(struct timeline *timeline, struct figure_color color, struct figure_text text, double x,
                            size_t max_lines)
{
    const char *lines[MAX_HEADER_LINES];
    double room = timeline->options->width - timeline->margin - x;
    size_t count = text_wrap(timeline->layout->meter, TEXT_BODY, timeline_text(timeline, text), room, lines, max_lines);
    for (size_t i = 0; i < count; i++) {
        layout_add_text(timeline->layout, timeline->page, TEXT_BODY, color, lines[i], x, timeline->y, LAYOUT_LEFT);
        timeline->y += 17;
    }
    return count;
}

/* Add the warnings, each with a red bar at its left. */
static void add_warnings(struct timeline *timeline)
{
    size_t left = MAX_HEADER_LINES;
    for (size_t i = 0; i < timeline->figure->warning_count && left > 0; i++) {
        double top = timeline->y;
        left -=
            add_paragraph(timeline, INK_FAILURE, timeline->figure->warnings[i], timeline->margin + 10, MIN(left, 3));
        if (timeline->y > top)
            layout_add_rect(timeline->page, (struct layout_rect){timeline->margin, top, 3, timeline->y - top - 3},
                            INK_FAILURE);
    }
}

/* The place where the next entry of the legend goes. */
struct legend {
    struct timeline *timeline;
    double x;
    bool used;
};

/* Make room for an entry with a sign of `sign_width` and add its label. Return the rectangle of the sign. */
static struct layout_rect add_legend_entry(struct legend *legend, double sign_width, struct figure_text text)
{
    struct timeline *timeline = legend->timeline;
    struct text_meter *meter = timeline->layout->meter;
    double right = timeline->options->width - timeline->margin;
    const char *label = timeline_text(timeline, text);
    double gap = sign_width + 6;
    if (legend->used && legend->x + gap + text_width(meter, TEXT_BODY, label) > right) {
        legend->x = timeline->margin;
        timeline->y += 18;
    }
    legend->used = true;
    label = text_fit(meter, TEXT_BODY, label, right - legend->x - gap, TEXT_CUT_END);
    struct layout_rect box = layout_add_text(timeline->layout, timeline->page, TEXT_BODY, INK_QUIET, label,
                                             legend->x + gap, timeline->y, LAYOUT_LEFT);
    struct layout_rect sign = {legend->x, timeline->y, sign_width, box.height};
    legend->x = box.x + box.width + 20;
    return sign;
}

/* Add an entry for a sign: a dot, a ring or a cross. */
static void add_legend_sign(struct legend *legend, enum layout_kind kind, struct figure_color color,
                            struct figure_text text)
{
    struct layout_rect sign = add_legend_entry(legend, 2 * TIMELINE_SIGN_RADIUS, text);
    struct layout_point center = {sign.x + sign.width / 2, sign.y + sign.height / 2};
    layout_add_sign(legend->timeline->page, kind, center, kind == LAYOUT_DOT ? 3.5 : TIMELINE_SIGN_RADIUS, color);
}

static void add_legend(struct timeline *timeline)
{
    const struct timeline_figure *figure = timeline->figure;
    struct legend legend = {.timeline = timeline, .x = timeline->margin};
    timeline->y += 5;
    for (size_t i = 0; i < figure->palette_count; i++) {
        if (!timeline->phase_occurs[i])
            continue;
        struct layout_rect sign = add_legend_entry(&legend, 14, figure->palette[i].label);
        layout_add_rect(timeline->page, (struct layout_rect){sign.x, sign.y + (sign.height - 9) / 2, 14, 9},
                        figure->palette[i].color);
    }
    if (timeline->inferred_occurs) {
        struct layout_rect sign = add_legend_entry(&legend, 14, figure->inferred_label);
        layout_add_hatch(timeline->page, (struct layout_rect){sign.x, sign.y + (sign.height - 9) / 2, 14, 9},
                         INK_QUIET);
    }
    if (timeline->stall_occurs) {
        struct layout_rect sign = add_legend_entry(&legend, 14, figure->stall_label);
        timeline_add_stall_sign(timeline, (struct layout_rect){sign.x, sign.y + (sign.height - 9) / 2, 14, 9});
    }
    if (timeline->dot_occurs)
        add_legend_sign(&legend, LAYOUT_DOT, figure->palette[timeline->dot_phase].color, figure->dot_label);
    if (timeline->failure_occurs)
        add_legend_sign(&legend, LAYOUT_CROSS, INK_FAILURE, figure->failure_label);
    if (timeline->end_occurs[FIGURE_END_CLOSED])
        add_legend_sign(&legend, LAYOUT_DOT, INK_QUIET, figure->closed_label);
    if (timeline->end_occurs[FIGURE_END_OPEN])
        add_legend_sign(&legend, LAYOUT_RING, INK_QUIET, figure->open_label);
    if (legend.used)
        timeline->y += 18;
}

/* Add the header of a bare timeline: its title, if it shall have one, and the legend. */
static void add_bare_header(struct timeline *timeline)
{
    const char *lines[2];
    struct text_meter *meter = timeline->layout->meter;
    timeline->y = 0;
    size_t count = !timeline->options->titled ? 0
                                              : text_wrap(meter, TEXT_TITLE, timeline->layout->title,
                                                          timeline->options->width - 2 * timeline->margin, lines, 2);
    for (size_t i = 0; i < count; i++) {
        layout_add_text(timeline->layout, timeline->page, TEXT_TITLE, INK_TEXT, lines[i], timeline->margin, timeline->y,
                        LAYOUT_LEFT);
        timeline->y += text_height(meter, TEXT_TITLE);
    }
    add_legend(timeline);
    timeline->y += 4;
}

void timeline_add_header(struct timeline *timeline)
{
    if (timeline->options->bare) {
        add_bare_header(timeline);
        return;
    }
    double room = timeline->options->width - 2 * timeline->margin - 100; /* page numbers at the right */
    timeline->y = timeline->options->embedded ? 0 : 16;
    const char *title = text_fit(timeline->layout->meter, TEXT_TITLE, timeline->layout->title, room, TEXT_CUT_END);
    if (*title != '\0') {
        layout_add_text(timeline->layout, timeline->page, TEXT_TITLE, INK_TEXT, title, timeline->margin, timeline->y,
                        LAYOUT_LEFT);
        timeline->y += 26;
    } else if (timeline->options->page_height > 0 && !timeline->options->embedded) {
        timeline->y += 26; /* the page number stands there */
    }
    size_t left = MAX_HEADER_LINES;
    for (size_t i = 0; i < timeline->figure->subtitle_count && left > 0; i++)
        left -= add_paragraph(timeline, INK_QUIET, timeline->figure->subtitles[i], timeline->margin, MIN(left, 3));
    add_warnings(timeline);
    add_legend(timeline);
    timeline->y += 10;
}

void timeline_add_tick_labels(struct timeline *timeline, double top)
{
    const struct axis_ticks *ticks = &timeline->ticks;
    double right = timeline->options->width - timeline->margin / 2;
    double last_right = -HUGE_VAL;
    for (size_t i = 0; i < ticks->count; i++) {
        int64_t t_ns = ticks->first_ns + (int64_t)i * ticks->step_ns;
        char label[AXIS_LABEL_SIZE];
        axis_time_label(ticks, t_ns, label);
        struct layout_rect box =
            layout_text_rect(timeline->layout, TEXT_SMALL, label, bars_x(&timeline->axis, t_ns), top, LAYOUT_CENTER);
        box.x = CLAMP(box.x, 2, fmax(2, right - box.width));
        if (box.x < last_right + 6)
            continue;
        last_right = box.x + box.width;
        layout_add_text(timeline->layout, timeline->page, TEXT_SMALL, INK_QUIET, label, box.x, top, LAYOUT_LEFT);
    }
}

/* The labels of the marks: where they go below the ticks. */
struct mark_labels {
    struct layout_rect boxes[64];
    const char *texts[64];
    size_t count;
    size_t rows;
};

/* Find a row for the label of `mark`, right of its line or else left of it. Without room it has none. */
static void place_mark_label(struct timeline *timeline, const struct figure_mark *mark, struct mark_labels *labels)
{
    struct text_meter *meter = timeline->layout->meter;
    if (labels->count == sizeof labels->boxes / sizeof *labels->boxes)
        return;
    const char *text = timeline_text(timeline, mark->label);
    if (*text == '\0')
        return;
    double x = bars_x(&timeline->axis, mark->t_ns);
    double right_room = timeline->options->width - timeline->margin - x - 4;
    double left_room = x - 4 - timeline->axis.x0;
    bool at_right = right_room >= text_width(meter, TEXT_BODY, text) || right_room >= left_room;
    text = text_fit(meter, TEXT_BODY, text, at_right ? right_room : left_room, TEXT_CUT_END);
    struct layout_rect box = layout_text_rect(timeline->layout, TEXT_BODY, text, at_right ? x + 4 : x - 4, 0,
                                              at_right ? LAYOUT_LEFT : LAYOUT_RIGHT);
    for (size_t row = 0; row < MAX_MARK_ROWS; row++) {
        box.y = (double)row * MARK_ROW_HEIGHT;
        bool is_free = true;
        for (size_t i = 0; i < labels->count; i++)
            is_free = is_free && !layout_rects_overlap(&box, &labels->boxes[i], -1);
        if (!is_free)
            continue;
        labels->boxes[labels->count] = box;
        labels->texts[labels->count++] = text;
        labels->rows = MAX(labels->rows, row + 1);
        return;
    }
}

static struct mark_labels place_mark_labels(struct timeline *timeline)
{
    struct mark_labels labels = {.count = 0};
    for (size_t i = 0; i < timeline->figure->mark_count; i++) {
        if (timeline_is_on_axis(timeline, timeline->figure->marks[i].t_ns))
            place_mark_label(timeline, &timeline->figure->marks[i], &labels);
    }
    return labels;
}

double timeline_axis_height(struct timeline *timeline)
{
    struct mark_labels labels = place_mark_labels(timeline);
    return TICK_ROW_HEIGHT + (double)labels.rows * MARK_ROW_HEIGHT + (labels.rows > 0 ? 2 : 0);
}

void timeline_add_axis(struct timeline *timeline)
{
    struct mark_labels labels = place_mark_labels(timeline);
    timeline_add_tick_labels(timeline, timeline->y);
    double bottom = timeline->y + timeline_axis_height(timeline);
    timeline->y += TICK_ROW_HEIGHT;
    if (labels.count > 0)
        timeline_add_marks(timeline, timeline->y, bottom);
    for (size_t i = 0; i < labels.count; i++) {
        struct layout_rect box = labels.boxes[i];
        box.y += timeline->y;
        layout_add_rect(timeline->page, box, INK_PAPER); /* interrupts the lines of other marks */
        layout_add_text(timeline->layout, timeline->page, TEXT_BODY, INK_MARK, labels.texts[i], box.x, box.y,
                        LAYOUT_LEFT);
    }
    timeline->y = bottom;
}

void timeline_add_grid(struct timeline *timeline, double top, double bottom)
{
    for (size_t i = 0; i < timeline->ticks.count; i++) {
        double x = bars_x(&timeline->axis, timeline->ticks.first_ns + (int64_t)i * timeline->ticks.step_ns);
        layout_add_line(timeline->page, LAYOUT_LINE, (struct layout_point){x, top}, (struct layout_point){x, bottom}, 1,
                        INK_LINE);
    }
}

void timeline_add_marks(struct timeline *timeline, double top, double bottom)
{
    for (size_t i = 0; i < timeline->figure->mark_count; i++) {
        const struct figure_mark *mark = &timeline->figure->marks[i];
        double x = bars_x(&timeline->axis, mark->t_ns);
        if (timeline_is_on_axis(timeline, mark->t_ns))
            layout_add_line(timeline->page, LAYOUT_DOTTED, (struct layout_point){x, top},
                            (struct layout_point){x, bottom}, 1, INK_MARK);
    }
}

void timeline_add_page_numbers(struct timeline *timeline)
{
    size_t count = layout_page_count(timeline->layout);
    for (size_t i = 0; i < count && count > 1; i++) {
        const char *number = text_format(timeline->layout->meter, "%zu / %zu", i + 1, count);
        layout_add_text(timeline->layout, layout_page(timeline->layout, i), TEXT_SMALL, INK_QUIET, number,
                        timeline->options->width - timeline->margin, timeline->margin, LAYOUT_RIGHT);
    }
}
