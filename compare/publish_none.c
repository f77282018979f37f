/* In place of the documents as long as plots cannot be drawn (no render/plot_layout.c). */
#include "analyze/cli.h"
#include "compare/publish.h"

bool publish_known(const char *path)
{
    (void)path;
    return true;
}

int publish_write(const struct comparison *comparison, const char *path)
{
    (void)comparison;
    cli_warn("%s: plots cannot be drawn yet", path);
    return CLI_NO;
}
