/* A comparison as one picture. */
#include <stdlib.h>

#include "base/memory.h"
#include "compare/output.h"
#include "compare/publish_parts.h"

static size_t add_notes(const struct publish *p, struct figure_text *notes)
{
    const struct figures *figures = p->figures;
    size_t count = 0;
    if (figures->count > 0)
        notes[count++] = figure_text(figures->method);
    for (size_t i = 0; i < figures->remark_count; i++)
        notes[count++] = figures->remark_texts[i];
    if (!p->timelines)
        notes[count++] = figure_text(PUBLISH_NO_TIMELINES);
    return count;
}

enum render_result publish_picture(const struct publish *p, enum render_format format, struct render_buffer *out)
{
    const struct comparison *c = p->comparison;
    char **lines = memory_new(c->group_count, sizeof *lines);
    struct figure_text *groups = memory_new(c->group_count, sizeof *groups);
    for (size_t g = 0; g < c->group_count; g++)
        groups[g] = figure_text(lines[g] = compare_group_words(&c->groups[g]));
    struct figure_text notes[FIGURES_REMARKS + 2];
    const struct sheet_figure sheet = {.title = figure_text("Comparison"),
                                       .subtitles = groups,
                                       .subtitle_count = c->group_count,
                                       .plots = p->figures->figures,
                                       .plot_count = p->figures->count,
                                       .notes = notes,
                                       .note_count = add_notes(p, notes),
                                       .timeline = p->timelines ? timelines_figure(p->timelines) : NULL};
    enum render_result result = render_sheet(&sheet, format, NULL, out);
    for (size_t g = 0; g < c->group_count; g++)
        free(lines[g]);
    free(lines);
    free(groups);
    return result;
}
