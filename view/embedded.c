/* The paths are set by CMake. */
#include "view/embedded.h"

#define EMBED(name, path)                                                                                              \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".global " #name ", " #name "_end\n" #name ":\n"                                                           \
            ".incbin \"" path "\"\n" #name "_end:\n"                                                                   \
            ".byte 0\n"                                                                                                \
            ".popsection\n")

EMBED(embedded_script, EMBEDDED_SCRIPT);
EMBED(embedded_sample, EMBEDDED_SAMPLE);
