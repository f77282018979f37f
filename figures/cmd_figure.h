/* The verb `mitm-analyze figure`: one figure, of an exact size, for a paper. */
#ifndef MITM_FIGURES_CMD_FIGURE_H
#define MITM_FIGURES_CMD_FIGURE_H

#include "analyze/cli.h"

extern const struct cli_verb cmd_figure;

#endif
