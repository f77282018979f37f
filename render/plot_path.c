/* Series as lines through points, thinned out to what the picture shows. */
#include <math.h>

#include "render/plot_parts.h"

/* Width of the columns of which only the first, the lowest, the highest and the last point are kept. */
#define COLUMN 0.5

struct thinner {
    GArray *points; /* struct layout_point */
    double column;
    struct layout_point low, high, last;
    bool low_first; /* the lowest point came before the highest */
    bool any;
};

static bool same(const struct layout_point *a, const struct layout_point *b)
{
    return a->x == b->x && a->y == b->y;
}

static void keep(struct thinner *thinner, const struct layout_point *point)
{
    guint n = thinner->points->len;
    if (n == 0 || !same(&g_array_index(thinner->points, struct layout_point, n - 1), point))
        g_array_append_val(thinner->points, *point);
}

/* Keep what the column so far is seen by. */
static void end_column(struct thinner *thinner)
{
    if (!thinner->any)
        return;
    keep(thinner, thinner->low_first ? &thinner->low : &thinner->high);
    keep(thinner, thinner->low_first ? &thinner->high : &thinner->low);
    keep(thinner, &thinner->last);
    thinner->any = false;
}

static void add(struct thinner *thinner, const struct plot_area *area, double x, double y)
{
    struct layout_point point = {plot_x(area, x), plot_y(area, y)};
    double column = floor(point.x / COLUMN);
    if (thinner->any && column != thinner->column)
        end_column(thinner);
    if (!thinner->any) {
        keep(thinner, &point);
        thinner->column = column;
        thinner->low = thinner->high = point;
        thinner->low_first = true;
        thinner->any = true;
    } else if (point.y > thinner->low.y) {
        thinner->low = point;
        thinner->low_first = false;
    } else if (point.y < thinner->high.y) {
        thinner->high = point;
        thinner->low_first = true;
    }
    thinner->last = point;
}

/* Return the value at `x` between the points i - 1 and i. */
static double between(const struct plot_series *series, const double *y, size_t i, double x)
{
    double width = series->x[i] - series->x[i - 1];
    if (series->steps || width <= 0)
        return y[i - 1];
    return y[i - 1] + (y[i] - y[i - 1]) * (x - series->x[i - 1]) / width;
}

void plot_path(const struct plot_area *area, const struct plot_series *series, const double *y, size_t from, size_t to,
               GArray *points)
{
    struct thinner thinner = {.points = points};
    double left = area->x.from, right = area->x.to;
    size_t i = from;
    while (i < to && series->x[i] < left)
        i++;
    if (i > from && i < to)
        add(&thinner, area, left, between(series, y, i, left));
    for (; i < to && series->x[i] <= right; i++) {
        if (series->steps && i > from)
            add(&thinner, area, series->x[i], y[i - 1]);
        add(&thinner, area, series->x[i], y[i]);
    }
    if (i > from && i < to)
        add(&thinner, area, right, between(series, y, i, right));
    else if (series->steps && i == to && to > from) /* the last value holds, until a gap or to the end */
        add(&thinner, area, fmin(to < series->count ? series->x[to] : right, right), y[to - 1]);
    end_column(&thinner);
}
