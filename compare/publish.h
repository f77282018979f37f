/* A comparison as a document or picture: PDF, HTML, SVG, PNG. The same comparison gives the same bytes. */
#ifndef MITM_COMPARE_PUBLISH_H
#define MITM_COMPARE_PUBLISH_H

#include <stdbool.h>

#include "compare/compare.h"

/* Return whether `path` ends in .pdf, .html, .svg or .png, in any case. */
bool publish_known(const char *path);

/*
 * Write the comparison to `path`, which is replaced if it exists. SVG and PNG: the figures alone, in one picture.
 * Return CLI_OK, or CLI_IO after a message.
 */
int publish_write(const struct comparison *comparison, const char *path) __attribute__((warn_unused_result));

#endif
