/*
 * Saving: a file that is whole or not there.
 */
#ifndef MITM_RENDER_SAVE_H
#define MITM_RENDER_SAVE_H

#include <stddef.h>

/*
 * Make `len` bytes at `bytes` the content of the file `path`. A regular file, new or old (a symbolic link is followed),
 * is written under a temporary name in its folder, with the mode of the old one or that of the umask, and then renamed;
 * anything else is opened and written to. Return 0 or the errno of the failure; no temporary file is left then.
 */
int save_file(const char *path, const char *bytes, size_t len) __attribute__((warn_unused_result));

#endif
