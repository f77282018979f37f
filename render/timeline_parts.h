/*
 * What the parts of the timeline's layout share. Only timeline*.c include this.
 *
 * timeline.c (order of the parts, pages) · timeline_frame.c (header, legend, axis, marks) · timeline_lanes.c (groups
 * and lanes) · timeline_lane.c (one lane) · timeline_stalls.c (what was held back) · timeline_failures.c (labels of
 * failures) · timeline_foot.c (strips, shares, notes) · timeline_index.c (index of the lanes)
 */
#ifndef MITM_RENDER_TIMELINE_PARTS_H
#define MITM_RENDER_TIMELINE_PARTS_H

#include "render/axis.h"
#include "render/bars.h"
#include "render/timeline.h"

/* Height of a line with a server's name above its lanes. */
#define TIMELINE_HEADING 15.0
/* Distance from the end of the plot to the circle's centre, and the circle's radius at most. */
#define TIMELINE_END_DISTANCE 16.0
#define TIMELINE_SIGN_RADIUS  4.0

/* How low the rows are. */
struct timeline_density {
    size_t max_lanes; /* for so many lanes at most; 0: for any number */
    double row;       /* height of a lane with one track */
    double bar;       /* height of a bar */
    double group_gap; /* between two groups */
};

/* A lane as planned: what is known of it before it has a place. */
struct timeline_lane {
    const struct figure_group *group;
    const struct figure_lane *lane;
    const struct figure_lane *head; /* the one that it continues, or itself */
    bool continues;
    size_t number;            /* of its connection, from 0 */
    size_t group_number;      /* from 0 */
    struct bar_place *places; /* one per bar */
    size_t tracks;
    /* Once there is a density; parts of the height are the distances to other connections: */
    double height;
    double above;
    double below;
    /* Once it has been put on a page: */
    size_t page;
    double y;
    size_t obstacles_from; /* its range in timeline.obstacles */
    size_t obstacles_to;
};

/* Lanes of one group on one page. */
struct timeline_segment {
    size_t first; /* index of its first lane in timeline.lanes */
    size_t count;
    double top;
    double bottom;
};

/* The layout in the making. */
struct timeline {
    const struct timeline_figure *figure;
    const struct timeline_options *options;
    struct layout *layout;
    struct layout_page *page; /* the current one */
    double y;                 /* where the next part goes on it */
    double margin;            /* at the left and right of everything */
    double heading; /* from the top of the server's name to its first lane, if it is above the lanes; 0: it is at their
                       left */

    struct bars_axis axis;
    struct axis_ticks ticks;
    double label_width;  /* of the column of servers, which begins at the margin */
    double number_right; /* right edge of the column of lane labels */
    struct timeline_density density;

    GArray *lanes; /* struct timeline_lane */
    size_t connections;
    GArray *segments;  /* struct timeline_segment, of the current page */
    GArray *obstacles; /* struct layout_rect: bars, dots, crosses, which labels must not hide */
    GArray *labels;    /* struct layout_rect: failure labels of the current page */
    size_t crowded;    /* bars and dots that have no room */
    bool *phase_occurs;
    bool inferred_occurs;
    bool dot_occurs;
    size_t dot_phase; /* of the first dot */
    bool stall_occurs;
    size_t stall_phase; /* of the first bar with a stall */
    bool failure_occurs;
    bool end_occurs[FIGURE_END_CLOSED + 1];
};

/* Lower edge of the room for parts on a page; INFINITY if there is one page as tall as needed. */
double timeline_bottom(const struct timeline *timeline);

/* Height of the room for parts on a page that is begun behind the first. */
double timeline_room(const struct timeline *timeline);

/* Go on with a new page: a running title at its top. */
void timeline_new_page(struct timeline *timeline);

/* Return the safe, one-line form of `text`. */
const char *timeline_text(struct timeline *timeline, struct figure_text text);

/* Return the safe form of `text`, which may have several lines. */
const char *timeline_tooltip(struct timeline *timeline, struct figure_text text);

/* timeline_frame.c */

/* Choose the columns, the axis and its ticks. */
void timeline_measure(struct timeline *timeline);
/* Add title, subtitles, warnings and legend at timeline->y and move it below them. */
void timeline_add_header(struct timeline *timeline);
/* Add the labels of the axis and of the marks at timeline->y and move it below them. */
void timeline_add_axis(struct timeline *timeline);
/* Return the height that timeline_add_axis() takes. */
double timeline_axis_height(struct timeline *timeline);
/* Add the labels of the ticks alone, with their upper edges at `top`. */
void timeline_add_tick_labels(struct timeline *timeline, double top);
/* Add the grid and, on top of what is there, the marks, between two heights of the current page. */
void timeline_add_grid(struct timeline *timeline, double top, double bottom);
void timeline_add_marks(struct timeline *timeline, double top, double bottom);
/* Add "2 / 7" to all pages, if there is more than one. */
void timeline_add_page_numbers(struct timeline *timeline);

/* timeline_lanes.c */

/* Fill timeline->lanes and note what occurs. Requires timeline_measure(). */
void timeline_plan_lanes(struct timeline *timeline);
/* Choose the row height for `level`, 0 the highest that suits the number of lanes; return false if there is none lower.
 */
bool timeline_choose_density(struct timeline *timeline, size_t level);
/* Add all lanes, with an axis on each page, on as many pages as needed; return false if they are too many. */
bool timeline_add_lanes(struct timeline *timeline);

struct timeline_lane *timeline_lane_at(const struct timeline *timeline, size_t index);
bool timeline_is_on_axis(const struct timeline *timeline, int64_t t_ns);

/* Return the name behind '#' in `link`, NULL if that is no such link. */
const char *timeline_link_name(struct timeline *timeline, struct figure_text link);
/* Make `rect` in an embedded timeline lead to what `link` names, and its height `y` a place that can be led to. */
void timeline_add_embedded_places(struct timeline *timeline, struct layout_rect rect, struct figure_text link,
                                  double y);

/* timeline_lane.c */

/* Set the height of `plan`; `continued`: the lane behind it continues it. */
void timeline_measure_lane(const struct timeline *timeline, struct timeline_lane *plan, bool continued);
/* Return the y of the middle of the bars of `plan`. */
double timeline_lane_middle(const struct timeline_lane *plan);
/* Return what the bar number `index` of `plan`, which is no dot, covers in the picture. */
struct layout_rect timeline_bar_rect(const struct timeline *timeline, const struct timeline_lane *plan, size_t index);
/* Add one lane, its failure labels aside. */
void timeline_add_lane(struct timeline *timeline, struct timeline_lane *plan);
/* Add the hit area `rect` of something in a lane. It has what the lane has if it has nothing itself. */
void timeline_add_lane_hit(struct timeline *timeline, const struct timeline_lane *plan, struct layout_rect rect,
                           struct figure_text tooltip, struct figure_text link);
/* Return the tooltip of `failure`: its label if it has none. */
struct figure_text timeline_failure_tooltip(const struct figure_failure *failure);

/* timeline_stalls.c */

/* Note whether stalls of the lane are drawn, and of which phase, unless some have been noted before. */
void timeline_note_stalls(struct timeline *timeline, const struct timeline_lane *plan);
/* Add the stalls of a lane, on top of its bars. */
void timeline_add_stalls(struct timeline *timeline, const struct timeline_lane *plan);
/* Add the sign for stalls in the legend, which covers `bar`. */
void timeline_add_stall_sign(struct timeline *timeline, struct layout_rect bar);

/* timeline_failures.c */

/* Add the labels of the failures of the lane at `index`, where they hide nothing. */
void timeline_add_failure_labels(struct timeline *timeline, size_t index, struct figure_color background);

/* timeline_foot.c */

/* Add strips, share bar and notes. */
void timeline_add_foot(struct timeline *timeline);

/* timeline_index.c */

/* Add the index of the lanes on new pages; return false if they are too many. */
bool timeline_add_index(struct timeline *timeline);

#endif
