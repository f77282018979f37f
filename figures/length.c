#include "figures/length.h"

#include <stddef.h>
#include <string.h>

bool length_read(const char *word, double *pt)
{
    static const struct {
        const char *name;
        double pt;
    } units[] = {{"mm", 72 / 25.4}, {"cm", 72 / 2.54}, {"in", 72}, {"pt", 1}, {"px", 0.75}};
    double value = 0, place = 1;
    const char *p = word;
    size_t digits = 0;
    for (; *p >= '0' && *p <= '9'; p++, digits++)
        value = value * 10 + (*p - '0');
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9'; p++, digits++)
            value += (*p - '0') * (place /= 10);
    }
    for (size_t i = 0; digits > 0 && digits <= 9 && i < sizeof units / sizeof *units; i++) {
        if (strcmp(p, units[i].name) == 0) {
            *pt = value * units[i].pt;
            return *pt > 0;
        }
    }
    return false;
}
