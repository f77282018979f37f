/* Loads session files into a model, with warnings on stderr about what is wrong with them. */
#ifndef MITM_ANALYZE_LOAD_H
#define MITM_ANALYZE_LOAD_H

#include "analyze/model.h"

/*
 * Read the `n` files named in `paths` (they must outlive the model) into `model`. Damage and cuts cost a line on stderr
 * only. Return CLI_OK, or CLI_IO if a file could not be read or is no session; all others have been read then, too.
 */
int load_files(struct model *model, const char *const *paths, size_t n);

#endif
