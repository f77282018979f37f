#include "compare/publish.h"

#include <string.h>
#include <strings.h>

#include "analyze/cli.h"
#include "compare/publish_parts.h"
#include "render/save.h"

enum kind { PDF, HTML, SVG, PNG, KINDS };
enum { HTML_PLOTS = 40 }; /* each is two pictures in the file */

/* Return the kind of document that the name's ending says; KINDS: none. */
static enum kind kind_of(const char *path)
{
    static const char *const endings[KINDS] = {[PDF] = ".pdf", [HTML] = ".html", [SVG] = ".svg", [PNG] = ".png"};
    const char *dot = strrchr(path, '.');
    enum kind kind = PDF;
    while (kind < KINDS && (!dot || strcasecmp(dot, endings[kind]) != 0))
        kind++;
    return kind;
}

bool publish_known(const char *path)
{
    return kind_of(path) < KINDS;
}

static enum render_result draw(const struct publish *publish, enum kind kind, struct render_buffer *out)
{
    if (kind == PDF)
        return publish_paper(publish, out);
    if (kind == HTML)
        return publish_html(publish, out);
    return publish_picture(publish, kind == SVG ? RENDER_SVG : RENDER_PNG, out);
}

static void warn_too_large(const char *path, enum kind kind, size_t plots)
{
    cli_warn("%s: %zu distributions and the time graphs are too much for one %s: choose measures with --metric%s", path,
             plots, kind == SVG || kind == PNG ? "picture" : "document",
             kind == SVG || kind == PNG ? ", or make a PDF" : "");
}

int publish_write(const struct comparison *comparison, const char *path)
{
    enum kind kind = kind_of(path);
    struct figures *figures = figures_new(comparison, kind == HTML ? HTML_PLOTS : SIZE_MAX);
    struct timelines *timelines = timelines_new(comparison);
    const struct publish publish = {comparison, figures, timelines};
    struct render_buffer buffer = {0};
    enum render_result result = draw(&publish, kind, &buffer);
    int error = 0;
    if (result == RENDER_OK)
        error = save_file(path, buffer.bytes, buffer.len_bytes);
    if (result == RENDER_TOO_LARGE)
        warn_too_large(path, kind, figures->count);
    else if (result != RENDER_OK || error != 0)
        cli_warn("%s: %s", path, error != 0 ? strerror(error) : render_result_text(result));
    render_buffer_fini(&buffer);
    timelines_free(timelines);
    figures_free(figures);
    return result == RENDER_OK && error == 0 ? CLI_OK : CLI_IO;
}
