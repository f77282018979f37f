/* The verb `mitm-analyze compare`. */
#ifndef MITM_COMPARE_CMD_COMPARE_H
#define MITM_COMPARE_CMD_COMPARE_H

#include "analyze/cli.h"

extern const struct cli_verb cmd_compare;

#endif
