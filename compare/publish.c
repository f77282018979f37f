#include "compare/publish.h"

#include <string.h>
#include <strings.h>

#include "analyze/cli.h"

static const char *ending_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot : "";
}

bool publish_known(const char *path)
{
    static const char *const endings[] = {".pdf", ".html", ".svg", ".png"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(ending_of(path), endings[i]) == 0)
            return true;
    }
    return false;
}

int publish_write(const struct comparison *comparison, const char *path)
{
    (void)comparison;
    (void)path;
    return CLI_NO;
}
