#include "tables/number.h"

#include <math.h>
#include <string.h>

static const struct number_scale times[] = {{"ns", 1}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}};
static const struct number_scale sizes[] = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}};
static const struct number_scale rates[] = {{"bit/s", 1}, {"kbit/s", 1e3}, {"Mbit/s", 1e6}, {"Gbit/s", 1e9}};

static struct number_scale fitting(const struct number_scale *scales, size_t n, double greatest)
{
    size_t i = 0;
    while (i + 1 < n && greatest >= scales[i + 1].factor)
        i++;
    return scales[i];
}

struct number_scale number_scale(enum table_unit unit, double greatest)
{
    switch (unit) {
    case TABLE_NS:
        return fitting(times, sizeof times / sizeof *times, greatest);
    case TABLE_BYTES:
        return fitting(sizes, sizeof sizes / sizeof *sizes, greatest);
    case TABLE_BITS_PER_S:
        return fitting(rates, sizeof rates / sizeof *rates, greatest);
    case TABLE_SHARE:
    case TABLE_CHANGE:
        return (struct number_scale){"%", 0.01};
    case TABLE_WORDS:
    case TABLE_COUNT:
    case TABLE_P:
    case TABLE_PLAIN:
    case TABLE_BY_ROW:
        break;
    }
    return (struct number_scale){"", 1};
}

/* Return the power of ten of the first digit of `value` once it is rounded to `digits` significant ones: printf rounds,
 * so 0.0996 to two digits begins at 10^-1. */
static int first_place(double value, int digits)
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", digits - 1, fabs(value));
    const char *e = strchr(text, 'e');
    int power = 0;
    for (const char *p = e + 2; *p; p++)
        power = power * 10 + (*p - '0');
    return e[1] == '-' ? -power : power;
}

int number_place(double value, double uncertainty, int digits)
{
    enum { OF_UNCERTAINTY = 2 };
    if (isfinite(uncertainty) && uncertainty > 0)
        return first_place(uncertainty, OF_UNCERTAINTY) - (OF_UNCERTAINTY - 1);
    return value == 0 ? 0 : first_place(value, digits) - (digits - 1);
}

const char *number_print(char to[NUMBER_BYTES], double value, int place, bool sign)
{
    enum { LEAST_PLACE = -20 };
    if (place < LEAST_PLACE)
        place = LEAST_PLACE;
    if (place > 0) {
        double power = pow(10, place);
        snprintf(to, NUMBER_BYTES, sign ? "%+.0f" : "%.0f", round(value / power) * power);
    } else {
        snprintf(to, NUMBER_BYTES, sign ? "%+.*f" : "%.*f", -place, value);
    }
    if (strpbrk(to, "123456789") == NULL && (to[0] == '-' || to[0] == '+')) /* "-0.0" */
        memmove(to, to + 1, strlen(to));
    return to;
}

const char *number_print_p(char to[NUMBER_BYTES], double p)
{
    if (p < 0.0001)
        return strcpy(to, "<0.0001");
    return number_print(to, p, number_place(p, (double)NAN, 2), false);
}
