/* Every vector of HTTP/2 (vectors-http2/), whole and cut in every way, must give the same events. */
#include <criterion/criterion.h>

#include "capture/decode/http2/http2.h"
#include "vector_run.h"

static void *create(const struct event_sink *sink, uint64_t body_limit_bytes)
{
    return http2_new(sink, body_limit_bytes);
}

static void feed(void *http2, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    http2_feed(http2, direction, t_ns, data, len);
}

static void end(void *http2, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    http2_end(http2, direction, t_ns, cause);
}

static void destroy(void *http2)
{
    http2_free(http2);
}

static void check(enum vector_cut cut)
{
    static const struct vector_decoder decoder = {.create = create, .feed = feed, .end = end, .destroy = destroy};
    cr_assert_eq(vector_failures(TEST_DATA "/vectors-http2", 50, &decoder, cut), 0);
}

Test(http2_vectors, whole)
{
    check(VECTOR_WHOLE);
}

Test(http2_vectors, byte_by_byte)
{
    check(VECTOR_BYTE_BY_BYTE);
}

Test(http2_vectors, cut_at_every_place)
{
    check(VECTOR_ANYWHERE);
}
