/* The marks of a chart: moments that the user named, and where recording paused and went on. */
#include <inttypes.h>

#include "analyze/chart_parts.h"
#include "analyze/format.h"
#include "analyze/memory.h"

static void add_mark(struct chart *chart, int64_t t_ns, struct figure_text label)
{
    chart->marks[chart->figure.mark_count++] = (struct figure_mark){.t_ns = t_ns, .label = label};
}

static struct figure_text pause_label(struct chart *chart, const struct model_pause *pause)
{
    char buffer[FORMAT_BYTES];
    if (!pause->resumed)
        return figure_text("recording paused");
    if (pause->events == 0)
        return figure_text("recording resumed");
    return chart_printf(chart, "recording resumed (%s events left out)", format_count(buffer, pause->events));
}

void chart_marks(struct chart *chart)
{
    const struct model_session *session = chart->session;
    chart->marks = memory_new(session->mark_count + session->pause_count, sizeof *chart->marks);
    for (size_t i = 0; i < session->mark_count; i++) {
        const struct model_mark *mark = &session->marks[i];
        add_mark(chart, mark->t_ns,
                 mark->text.len > 0 ? (struct figure_text){(const char *)mark->text.data, mark->text.len}
                                    : figure_text("mark"));
    }
    for (size_t i = 0; i < session->pause_count; i++)
        add_mark(chart, session->pauses[i].t_ns, pause_label(chart, &session->pauses[i]));
    chart->figure.marks = chart->marks;
}
