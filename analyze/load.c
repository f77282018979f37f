#include "analyze/load.h"

#include "analyze/cli.h"
#include "analyze/intake.h"

static void begin_file(void *ctx, const char *file)
{
    model_begin_file(ctx, file);
}

static void record(void *ctx, const Mitm__Record *record, bool made)
{
    model_apply(ctx, record, made);
}

static void end_file(void *ctx, const struct intake_verdict *verdict)
{
    (void)ctx;
    intake_warn(verdict);
}

int load_files(struct model *model, const char *const *paths, size_t n)
{
    const struct intake_handler handler = {
        .ctx = model, .begin_file = begin_file, .record = record, .end_file = end_file};
    return intake_run(paths, n, &handler) >= INTAKE_NOT_A_SESSION ? CLI_IO : CLI_OK;
}
