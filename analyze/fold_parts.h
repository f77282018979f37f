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

/* Count bytes of a connection that were seen. */
static inline void see_bytes(struct model_session *session, struct model_connection *c, int direction,
                             uint64_t len_bytes, int64_t t_ns)
{
    c->streams[direction].seen_bytes = rate_sum(c->streams[direction].seen_bytes, len_bytes);
    c->streams[direction].sized = true;
    if (direction == MODEL_TO_CLIENT)
        rate_add(&session->received, t_ns, len_bytes);
}

#endif
