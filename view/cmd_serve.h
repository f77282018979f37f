/* The verb `serve` of mitm-analyze, which is not in analyze/ because the view stands on that. */
#ifndef MITM_VIEW_CMD_SERVE_H
#define MITM_VIEW_CMD_SERVE_H

#include "analyze/cli.h"

extern const struct cli_verb cmd_serve;

#endif
