// Layouts as text, compared with golden/NAME.txt. To renew these files after an intended change, and then read the
// difference:
//     MITM_RENEW_GOLDEN=1 build/tests/render/test_render --filter 'golden/*'
#include <criterion/criterion.h>
#include <stdlib.h>

#include "figures.h"
#include "render/layout.h"
#include "render/timeline.h"

/* Compare `layout`, which is freed, with the golden file `name`, or renew that. */
static void check_golden(struct layout *layout, const char *name)
{
    cr_assert(layout != NULL);
    char *dump = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&dump, &len);
    layout_dump(layout, stream);
    fclose(stream);
    layout_free(layout);
    char *path = g_strdup_printf("%s/golden/%s.txt", TEST_DATA, name);
    if (getenv("MITM_RENEW_GOLDEN")) {
        cr_assert(g_file_set_contents(path, dump, (gssize)len, NULL));
    } else {
        char *expected = NULL;
        cr_assert(g_file_get_contents(path, &expected, NULL, NULL), "%s is missing", path);
        cr_assert_str_eq(dump, expected);
        g_free(expected);
    }
    g_free(path);
    free(dump);
}

Test(golden, article)
{
    static const struct timeline_options picture = {.width = 1100, .max_height = 32767};
    struct test_figure *test = figures_article();
    check_golden(timeline_layout(&test->figure, &picture), "article");
    figures_free(test);
}

Test(golden, article_on_pages)
{
    static const struct timeline_options pages = {.width = 560, .page_height = 560, .index = true};
    struct test_figure *test = figures_article();
    check_golden(timeline_layout(&test->figure, &pages), "article_on_pages");
    figures_free(test);
}

Test(golden, hostile)
{
    static const struct timeline_options picture = {.width = 800, .max_height = 32767};
    struct figure_plan plan = {7, 3, 8, 2, 90000000000, true, 0};
    struct test_figure *test = figures_random(&plan);
    check_golden(timeline_layout(&test->figure, &picture), "hostile");
    figures_free(test);
}

Test(golden, streams)
{
    static const struct timeline_options pages = {.width = 560, .page_height = 560, .index = true};
    struct figure_plan plan = {21, 2, 4, 2, 6200000000, false, 12};
    struct test_figure *test = figures_random(&plan);
    check_golden(timeline_layout(&test->figure, &pages), "streams");
    figures_free(test);
}
