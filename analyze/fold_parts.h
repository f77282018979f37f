/* What the modules that fold events share. Only fold*.c include this. */
#ifndef MITM_ANALYZE_FOLD_PARTS_H
#define MITM_ANALYZE_FOLD_PARTS_H

#include <string.h>

#include "analyze/fold.h"

/* The first report counts. Set `member` to `value` if it is not known yet. */
#define ONCE(member, value)                                                                                            \
    do {                                                                                                               \
        if ((member) == MODEL_NONE)                                                                                    \
            (member) = (value);                                                                                        \
    } while (0)

/* Keep `bytes`, which are there if `has`. */
static inline struct text keep_bytes(struct texts *texts, bool has, ProtobufCBinaryData bytes)
{
    return has ? texts_keep(texts, bytes.data, bytes.len) : (struct text){0};
}

/* Keep `string`; NULL: there is none. */
static inline struct text keep_string(struct texts *texts, const char *string)
{
    return string ? texts_keep(texts, string, strlen(string)) : (struct text){0};
}

/* Return the model's index of a direction; MODEL_DIRECTIONS if it is none. */
static inline int direction_index(bool has, Mitm__Direction direction)
{
    if (has && direction == MITM__DIRECTION__TO_SERVER)
        return MODEL_TO_SERVER;
    return has && direction == MITM__DIRECTION__TO_CLIENT ? MODEL_TO_CLIENT : MODEL_DIRECTIONS;
}

/* Count bytes of a connection that were seen on the wire. */
static inline void see_wire_bytes(struct model_session *session, struct model_connection *c, int direction,
                                  uint64_t len_bytes, int64_t t_ns)
{
    c->streams[direction].seen_bytes = rate_sum(c->streams[direction].seen_bytes, len_bytes);
    c->streams[direction].sized = true;
    if (direction == MODEL_TO_CLIENT)
        rate_add(&session->received, t_ns, len_bytes);
}

/* Count bytes of a connection that were seen, unless they are the plaintext of bytes that were. */
static inline void see_bytes(struct model_session *session, struct model_connection *c, int direction,
                             uint64_t len_bytes, int64_t t_ns)
{
    if (!c->tls)
        see_wire_bytes(session, c, direction, len_bytes, t_ns);
}

/* Count bytes that are not looked into. (fold_opaque.c) */
void fold_opaque(struct model_connection *c, int direction, uint64_t len_bytes, int64_t t_ns);

/* Forget what fold_opaque() counted of `c`. */
void fold_drop_opaque(struct model_connection *c);

/* Return the TLS, or the HTTP/2, of `c`, which from now on has it. */
struct model_tls *fold_tls_of(struct model_connection *c);
struct model_http2 *fold_http2_of(struct model_connection *c);

#endif
