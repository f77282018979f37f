/* The command line of `mitm-analyze figure`. */
#ifndef MITM_FIGURES_REQUEST_H
#define MITM_FIGURES_REQUEST_H

#include "analyze/measures.h"
#include "render/render.h"

enum request_kind { REQUEST_TIMELINE, REQUEST_ECDF, REQUEST_PHASES, REQUEST_THROUGHPUT, REQUEST_CONCURRENCY };

struct request {
    enum request_kind kind;
    const char *out;
    enum render_format format;
    struct render_options render;
    const char *title;             /* NULL: none */
    const struct measure *measure; /* ecdf */
    bool log;                      /* ecdf */
    bool by_page;                  /* phases */
    const char **labels;           /* ecdf: of the files, in their order */
    size_t label_count;
    int64_t from_ns, to_ns, gap_ns; /* MODEL_NONE; gap_ns 0: the usual */
    const char *server;             /* NULL: all */
    uint32_t page;                  /* 0: all */
    uint64_t session;               /* of each file; 0: all (ecdf), or the first */
    const char *const *files;
    size_t file_count;
};

/* Read the command line (argv[0] is the verb). Return true if there is a figure to be made; else *code is the exit
 * code, and what was to be said has been said. Free with request_fini() in any case. */
bool request_read(struct request *request, int argc, char **argv, int *code) __attribute__((warn_unused_result));
void request_fini(struct request *request);

#endif
