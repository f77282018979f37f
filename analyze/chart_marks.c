/* The marks of a chart: moments that the user named, and where recording paused and went on. */
#include "analyze/chart_parts.h"
#include "base/memory.h"

static void add_mark(struct chart *chart, int64_t t_ns, struct figure_text label)
{
    chart->marks[chart->figure.mark_count++] = (struct figure_mark){.t_ns = t_ns, .label = label};
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
        add_mark(chart, session->pauses[i].t_ns,
                 figure_text(session->pauses[i].resumed ? "recording resumed" : "recording paused"));
    chart->figure.marks = chart->marks;
}
