/* The analyzer's memory is base's: see there. */
#ifndef MITM_ANALYZE_MEMORY_H
#define MITM_ANALYZE_MEMORY_H

#include "base/memory.h"

#endif
