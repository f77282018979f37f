/* Drawings for the web: what stands in the SVG is what stands in the layout, to a twentieth of a pixel. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "render/draw.h"
#include "render/web.h"

#define HOSTILE "</text><script>'\"&amp;\t]]>  x"

static const struct layout_point corners[] = {{10, 20.04}, {10.01, 90}, {50.26, 90}, {50.26, 90.02}, {-3.5, 12}};
static const double dash[] = {5, 2.5};

static struct layout *make(void)
{
    struct layout *layout = layout_new(NULL);
    struct layout_page *page = layout_add_page(layout, 300, 120.36);
    layout_add_line(page, LAYOUT_LINE, (struct layout_point){0, 1.25}, (struct layout_point){300, 1.25}, 0.5, INK_LINE);
    layout_add_shade(page, corners, 5, INK_MARK);
    layout_add_path(page, corners, 5, 1.5, dash, 2, INK_MARK);
    layout_add_text(layout, page, TEXT_BODY, INK_QUIET, HOSTILE, 40, 30, LAYOUT_LEFT);
    layout_add_text(layout, page, TEXT_HEADING, INK_TEXT, "größer", 290, 60, LAYOUT_RIGHT);
    return layout;
}

/* What was met in the SVG. */
struct facts {
    GString *style, *text; /* all of the texts, one after the other */
    GPtrArray *paths;      /* their d */
    GArray *numbers;       /* x, y and length of texts */
    char element[16], class[8];
    bool dashed;
};

static void on_start(GMarkupParseContext *context, const gchar *element, const gchar **names, const gchar **values,
                     gpointer user, GError **error)
{
    static const char *const allowed[] = {"svg", "style", "rect", "path", "text", NULL};
    struct facts *facts = user;
    (void)context;
    (void)error;
    cr_assert(g_strv_contains(allowed, element), "<%s>", element);
    g_strlcpy(facts->element, element, sizeof facts->element);
    for (size_t i = 0; names[i]; i++) {
        double number = g_ascii_strtod(values[i], NULL);
        if (strcmp(names[i], "d") == 0)
            g_ptr_array_add(facts->paths, g_strdup(values[i]));
        facts->dashed =
            facts->dashed || (strcmp(names[i], "stroke-dasharray") == 0 && strcmp(values[i], "7.5 3.8") == 0);
        if (strcmp(element, "text") == 0 && (strlen(names[i]) == 1 || strcmp(names[i], "textLength") == 0))
            g_array_append_val(facts->numbers, number);
    }
}

static void on_text(GMarkupParseContext *context, const gchar *text, gsize len, gpointer user, GError **error)
{
    struct facts *facts = user;
    (void)context;
    (void)error;
    g_string_append_len(strcmp(facts->element, "style") == 0 ? facts->style : facts->text, text, (gssize)len);
}

static struct facts parse(const GString *svg)
{
    static const GMarkupParser parser = {.start_element = on_start, .text = on_text};
    struct facts facts = {.style = g_string_new(NULL),
                          .text = g_string_new(NULL),
                          .paths = g_ptr_array_new_with_free_func(g_free),
                          .numbers = g_array_new(FALSE, FALSE, sizeof(double))};
    GError *error = NULL;
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, (GMarkupParseFlags)0, &facts, NULL);
    cr_assert(g_markup_parse_context_parse(context, svg->str, (gssize)svg->len, &error) &&
                  g_markup_parse_context_end_parse(context, &error),
              "%s", error ? error->message : "");
    g_markup_parse_context_free(context);
    return facts;
}

static void facts_fini(struct facts *facts)
{
    g_string_free(facts->style, TRUE);
    g_string_free(facts->text, TRUE);
    g_ptr_array_free(facts->paths, TRUE);
    g_array_free(facts->numbers, TRUE);
}

/* Store where the path `d` (SVG 2, section 9.3: M, L, H, V, z, absolute) leads; return the number of points. */
static size_t follow(const char *d, struct layout_point *points)
{
    struct layout_point at = {0, 0};
    size_t n = 0;
    while (*d && *d != 'z') {
        char command = *d++, *end = NULL;
        cr_assert(strchr("MLHV", command), "command %c", command);
        cr_assert_eq(command == 'M', n == 0);
        if (command != 'V')
            at.x = g_ascii_strtod(d, &end), d = end;
        if (command != 'H')
            at.y = g_ascii_strtod(d, &end), d = end;
        points[n++] = at;
    }
    return n;
}

static void check_corners(const char *d)
{
    struct layout_point points[8];
    size_t n = follow(d, points);
    cr_assert_eq(n, 4, "%zu points in %s", n, d); /* the fourth lies on the third, as far as one can see */
    for (size_t i = 0; i < n; i++) {
        const struct layout_point *corner = &corners[i < 3 ? i : 4];
        cr_expect(fabs(points[i].x - corner->x) < 0.051 && fabs(points[i].y - corner->y) < 0.051, "%zu: %g, %g", i,
                  points[i].x, points[i].y);
    }
}

Test(web, shows_the_layout)
{
    struct layout *layout = make();
    GString *svg = g_string_new(NULL);
    web_svg(layout, svg);
    struct facts facts = parse(svg);
    cr_assert_eq(facts.paths->len, 3);
    check_corners(facts.paths->pdata[1]);
    check_corners(facts.paths->pdata[2]);
    cr_expect(g_str_has_suffix(facts.paths->pdata[1], "z") && !g_str_has_suffix(facts.paths->pdata[2], "z"));
    cr_expect(facts.dashed);
    cr_expect_str_eq(facts.text->str, HOSTILE "größer");
    cr_assert_eq(facts.numbers->len, 6);
    const struct layout_page *page = layout_page(layout, 0);
    for (guint i = 0; i < 2; i++) {
        const struct layout_item *item = &g_array_index(page->items, struct layout_item, page->items->len - 2 + i);
        const double *is = &g_array_index(facts.numbers, double, 3 * i);
        cr_expect_float_eq(is[0], item->rect.x, 0.051);
        cr_expect_float_eq(is[1], item->rect.y + text_ascent(layout->meter, item->style), 0.051);
        cr_expect_float_eq(is[2], item->rect.width, 0.051);
    }
    facts_fini(&facts);
    g_string_free(svg, TRUE);
    layout_free(layout);
}

/* Each ink of the page has its colour for a light page, and behind that its colour for a dark one. */
Test(web, has_colors_for_light_and_dark)
{
    const struct figure_color inks[] = {INK_PAPER, INK_LINE, INK_MARK, INK_QUIET, INK_TEXT};
    struct layout *layout = make();
    GString *svg = g_string_new(NULL);
    web_svg(layout, svg);
    struct facts facts = parse(svg);
    char *dark = strstr(facts.style->str, "@media(prefers-color-scheme:dark){");
    cr_assert(dark);
    for (size_t i = 0; i < sizeof inks / sizeof *inks; i++) {
        char rule[40];
        struct figure_color light = draw_color(inks[i], false), other = draw_color(inks[i], true);
        cr_expect(memcmp(&light, &inks[i], sizeof light) == 0 && memcmp(&light, &other, sizeof light) != 0);
        snprintf(rule, sizeof rule, ".c%zu{color:#%02x%02x%02x}", i, light.red, light.green, light.blue);
        const char *found = strstr(facts.style->str, rule);
        cr_expect(found && found < dark, "%s", rule);
        snprintf(rule, sizeof rule, ".c%zu{color:#%02x%02x%02x}", i, other.red, other.green, other.blue);
        cr_expect(strstr(dark, rule), "%s", rule);
    }
    facts_fini(&facts);
    g_string_free(svg, TRUE);
    layout_free(layout);
}
