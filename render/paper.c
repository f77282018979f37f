#include "render/paper.h"

#include <assert.h>
#include <math.h>
#include <time.h>

#include "render/output.h"
#include "render/paper_parts.h"
#include "render/safe.h"

#define MARGIN_SIDE   68.0 /* 18 mm */
#define MARGIN_TOP    64.0
#define MARGIN_BOTTOM 80.0
#define FOOT_DISTANCE 56.0 /* of the foot's upper edge from the page's lower one */
#define TITLE_LINES   4
#define SAFE_BYTES    8000 /* so long a text is kept whole */

/* Points of the paper's sizes: 210 × 297 mm, 8.5 × 11 in. */
static const double sizes_pt[][2] = {[PAPER_A4] = {595.276, 841.89}, [PAPER_LETTER] = {612, 792}};

const char *paper_text(struct paper *paper, struct figure_text text)
{
    if (text.len_bytes <= TEXT_MAX_CHARS || text.len_bytes > SAFE_BYTES)
        return text_safe(paper->layout->meter, text, false);
    GString *out = g_string_new(NULL);
    int marks = 0;
    for (size_t at = 0; at < text.len_bytes;)
        safe_append_next(out, text, &at, false, &marks);
    const char *kept = text_keep(paper->layout->meter, out->str);
    g_string_free(out, TRUE);
    return kept;
}

const char *paper_name(struct paper *paper, const char *name)
{
    return name ? text_format(paper->layout->meter, "%s%s", paper->prefix, name) : NULL;
}

size_t paper_break(struct paper *paper, enum text_style style, const char *text, double max_width, const char **lines,
                   size_t max_lines)
{
    struct text_meter *meter = paper->layout->meter;
    if (*text == '\0')
        return 0;
    if (text_width(meter, style, text) <= max_width || max_lines == 1) {
        lines[0] = text_fit(meter, style, text, max_width, TEXT_CUT_END);
        return 1;
    }
    pango_layout_set_font_description(paper->breaker, text_meter_font(meter, style));
    pango_layout_set_width(paper->breaker, (int)(max_width * PANGO_SCALE));
    pango_layout_set_text(paper->breaker, text, -1);
    size_t count = (size_t)pango_layout_get_line_count(paper->breaker);
    size_t shown = MIN(count, max_lines);
    for (size_t i = 0; i < shown; i++) {
        const PangoLayoutLine *line = pango_layout_get_line_readonly(paper->breaker, (int)i);
        const char *from = text + line->start_index;
        bool rest = i + 1 == shown && count > shown;
        char *copy = rest ? g_strdup(from) : g_strndup(from, (gsize)line->length);
        g_strchomp(copy);
        /* A line may reach beyond the width by the space at its end, or by a sign that cannot be broken. */
        lines[i] = text_fit(meter, style, text_keep(meter, copy), max_width + (rest ? 0 : 1), TEXT_CUT_END);
        g_free(copy);
    }
    return shown;
}

void paper_turn(struct paper *paper)
{
    if (layout_page_count(paper->layout) >= PAPER_MAX_PAGES) {
        paper->too_large = true;
        return;
    }
    paper->page = layout_add_page(paper->layout, paper->width, paper->height);
    paper->y = paper->top;
}

void paper_new_page(struct paper *paper)
{
    bool before_contents = paper->contents && paper->headings == 0 && paper->pending->len == 0;
    if (paper->pending->len > 0)
        (void)paper_make_room(paper, 0);
    if (paper->y > paper->top && !before_contents)
        paper_turn(paper);
}

void paper_set_names(struct paper *paper, const char *prefix)
{
    paper->prefix = text_keep(paper->layout->meter, prefix);
}

/* Add `text` in lines of `style` at the left, `gap` below what is there. */
static void add_lines(struct paper *paper, enum text_style style, struct figure_color color, const char *text,
                      double gap)
{
    const char *lines[TITLE_LINES];
    double pitch = text_height(paper->layout->meter, style) * 1.08;
    size_t count = paper_break(paper, style, text, paper->right - paper->left, lines, TITLE_LINES);
    paper->y += count > 0 ? gap : 0;
    for (size_t i = 0; i < count; i++, paper->y += pitch)
        layout_add_text(paper->layout, paper->page, style, color, lines[i], paper->left, paper->y, LAYOUT_LEFT);
}

static void add_title(struct paper *paper, const struct paper_options *options)
{
    struct text_meter *meter = paper->layout->meter;
    time_t created = options->created_s;
    struct tm utc;
    char date[32] = "";
    if (options->created_s > 0 && gmtime_r(&created, &utc) && utc.tm_year <= 8099)
        strftime(date, sizeof date, "%Y-%m-%d", &utc);
    const char *author = paper->layout->author;
    const char *line = text_format(meter, "%s%s%s", author, *author && *date ? " · " : "", date);
    add_lines(paper, TEXT_COVER, INK_TEXT, paper->layout->title, 0);
    add_lines(paper, TEXT_PROSE, INK_QUIET, paper_text(paper, options->subtitle), 6);
    add_lines(paper, TEXT_PROSE, INK_TEXT, line, 6);
    paper->y += 12;
    layout_add_rect(paper->page, (struct layout_rect){paper->left, paper->y, paper->right - paper->left, 1.5},
                    PAPER_INK_LINK);
    paper->y += 20;
}

struct paper *paper_new(const struct paper_options *options)
{
    struct paper *paper = g_new0(struct paper, 1);
    paper->layout = layout_new(NULL);
    struct text_meter *meter = paper->layout->meter;
    paper->breaker = pango_layout_new(text_meter_context(meter));
    pango_layout_set_auto_dir(paper->breaker, FALSE);
    pango_layout_set_single_paragraph_mode(paper->breaker, TRUE);
    pango_layout_set_wrap(paper->breaker, PANGO_WRAP_WORD_CHAR);
    paper->pending = g_array_new(FALSE, FALSE, sizeof(struct paper_pending));
    paper->width = sizes_pt[options->size][0] / OUTPUT_POINTS_PER_UNIT;
    paper->height = sizes_pt[options->size][1] / OUTPUT_POINTS_PER_UNIT;
    paper->left = MARGIN_SIDE;
    paper->right = paper->width - MARGIN_SIDE;
    paper->top = MARGIN_TOP;
    paper->bottom = paper->height - MARGIN_BOTTOM;
    paper->contents = options->contents;
    paper->prefix = "";
    paper->layout->title = paper_text(paper, options->title);
    paper->layout->author = paper_text(paper, options->author);
    paper->layout->created_s = options->created_s;
    paper->footer = paper_text(paper, options->footer);
    paper_turn(paper);
    add_title(paper, options);
    return paper;
}

void paper_free(struct paper *paper)
{
    g_array_free(paper->pending, TRUE);
    g_object_unref(paper->breaker);
    layout_free(paper->layout);
    g_free(paper);
}

/* Add the foot of every page: what the document is, and its number. */
static void add_feet(struct paper *paper)
{
    struct layout *layout = paper->layout;
    size_t count = layout_page_count(layout);
    double y = paper->height - FOOT_DISTANCE;
    for (size_t i = 0; i < count; i++) {
        struct layout_page *page = layout_page(layout, i);
        const char *number = text_format(layout->meter, "page %zu of %zu", i + 1, count);
        struct layout_rect box =
            layout_add_text(layout, page, TEXT_SMALL, INK_QUIET, number, paper->right, y + 6, LAYOUT_RIGHT);
        const char *footer =
            text_fit(layout->meter, TEXT_SMALL, paper->footer, box.x - 20 - paper->left, TEXT_CUT_MIDDLE);
        layout_add_text(layout, page, TEXT_SMALL, INK_QUIET, footer, paper->left, y + 6, LAYOUT_LEFT);
        layout_add_line(page, LAYOUT_LINE, (struct layout_point){paper->left, y},
                        (struct layout_point){paper->right, y}, 0.75, INK_LINE);
    }
}

void paper_complete(struct paper *paper)
{
    if (paper->pending->len > 0)
        (void)paper_make_room(paper, 0);
    if (paper->contents)
        paper_add_contents(paper);
    add_feet(paper);
}

enum render_result paper_finish(struct paper *paper, struct render_buffer *out)
{
    render_buffer_fini(out);
    paper_complete(paper);
    if (paper->too_large)
        return RENDER_TOO_LARGE;
    GString *bytes = g_string_new(NULL);
    cairo_status_t status = output_pdf(paper->layout, false, bytes);
    assert(status == CAIRO_STATUS_SUCCESS || status == CAIRO_STATUS_NO_MEMORY); /* the rest are bugs */
    bool done = status == CAIRO_STATUS_SUCCESS;
    out->len_bytes = done ? bytes->len : 0;
    out->bytes = g_string_free(bytes, !done);
    return done ? RENDER_OK : RENDER_NO_MEMORY;
}
