#include "statistics/ecdf.h"

#include <math.h>

#include "base/memory.h"

struct ecdf_step *ecdf_steps(const double *sorted, size_t n, double confidence, size_t *count)
{
    *count = 0;
    if (n == 0)
        return NULL;
    size_t distinct = 1;
    for (size_t i = 1; i < n; i++)
        distinct += sorted[i] != sorted[i - 1];
    double half_width = sqrt(log(2 / (1 - confidence)) / (2 * (double)n));
    struct ecdf_step *steps = memory_new(distinct, sizeof *steps);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && sorted[i + 1] == sorted[i])
            continue;
        double y = (double)(i + 1) / (double)n;
        steps[(*count)++] =
            (struct ecdf_step){.x = sorted[i], .y = y, .low = fmax(0, y - half_width), .high = fmin(1, y + half_width)};
    }
    return steps;
}
