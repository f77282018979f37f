/* Every vector, whole and cut in every way, must give the same events. */
#include <criterion/criterion.h>

#include "capture/decode/app.h"
#include "vector_run.h"

static void *create(const struct event_sink *sink, uint64_t body_limit_bytes)
{
    return app_new(sink, body_limit_bytes, NULL);
}

static void feed(void *app, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    app_feed(app, direction, t_ns, data, len);
}

static void end(void *app, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    app_end(app, direction, t_ns, cause);
}

static void destroy(void *app)
{
    app_free(app);
}

static void check(enum vector_cut cut)
{
    static const struct vector_decoder decoder = {
        .create = create, .feed = feed, .end = end, .destroy = destroy, .tells_all = true};
    cr_assert_eq(vector_failures(TEST_DATA "/vectors", 45, &decoder, cut), 0);
}

Test(vectors, whole)
{
    check(VECTOR_WHOLE);
}

Test(vectors, byte_by_byte)
{
    check(VECTOR_BYTE_BY_BYTE);
}

Test(vectors, cut_at_every_place)
{
    check(VECTOR_ANYWHERE);
}
