/* Write made-up figures into the folder argv[1], each as SVG, PNG and PDF: NAME.svg and so on. */
#include <stdio.h>

#include "figures.h"
#include "render/render.h"

static const struct {
    const char *name;
    struct figure_plan plan;
} figures[] = {
    {"none", {1, 0, 0, 0, 1000000000, false, 0}},
    {"one", {2, 1, 1, 3, 3000000, false, 0}},
    {"nine", {3, 3, 9, 4, 6200000000, false, 0}},
    {"fifty", {4, 8, 50, 6, 30000000000, false, 0}},
    {"fivehundred", {5, 40, 500, 6, 180000000000, false, 0}},
    {"dense", {6, 2, 6, 400, 10800000000000, false, 0}},
    {"hostile", {7, 12, 40, 4, 6200000000, true, 0}},
    {"streams", {14, 3, 6, 4, 6200000000, false, 24}},
};

int main(int argc, char **argv)
{
    static const char *const endings[] = {[RENDER_SVG] = "svg", [RENDER_PNG] = "png", [RENDER_PDF] = "pdf"};
    int failures = argc != 2;
    for (size_t i = 0; argc == 2 && i < sizeof figures / sizeof *figures; i++) {
        struct test_figure *test = figures_random(&figures[i].plan);
        for (int format = RENDER_SVG; format <= RENDER_PDF; format++) {
            char path[4096];
            int error;
            snprintf(path, sizeof path, "%s/%s.%s", argv[1], figures[i].name, endings[format]);
            enum render_result result =
                render_timeline_file(&test->figure, (enum render_format)format, NULL, path, &error);
            if (result != RENDER_OK) {
                fprintf(stderr, "%s: %s (%d)\n", path, render_result_text(result), error);
                failures++;
            }
        }
        figures_free(test);
    }
    return failures > 0;
}
