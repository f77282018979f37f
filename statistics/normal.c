#include "statistics/normal.h"

#include <math.h>

double normal_two_sided(double z)
{
    return erfc(fabs(z) / sqrt(2));
}

double normal_exceeded(double upper)
{
    if (!(upper > 0))
        return (double)INFINITY;
    double low = 0, high = 40; /* erfc() is 0 before that */
    for (;;) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return middle;
        if (normal_two_sided(middle) / 2 > upper)
            low = middle;
        else
            high = middle;
    }
}
