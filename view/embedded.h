/* Files that are built into the program. */
#ifndef MITM_VIEW_EMBEDDED_H
#define MITM_VIEW_EMBEDDED_H

#include <stddef.h>

extern const char embedded_script[], embedded_script_end[]; /* view/script.js */
extern const char embedded_sample[], embedded_sample_end[]; /* samples/chromium.mitm, compressed with zstd */

static inline size_t embedded_len(const char *begin, const char *end)
{
    return (size_t)(end - begin);
}

#endif
