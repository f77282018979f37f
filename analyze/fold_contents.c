#include "analyze/fold_contents.h"

#include <strings.h>

#include "analyze/content_coding.h"
#include "base/memory.h"

/* A body that is being decoded. */
struct body {
    uint32_t connection, exchange;
    uint64_t offset_bytes; /* of the next byte */
    size_t memory_bytes;
    struct content_coding *coding;
};

struct fold_contents {
    struct body bodies[FOLD_CONTENTS_OPEN];
    size_t count;
    size_t memory_bytes;
    uint64_t input_bytes, output_bytes;
};

struct fold_contents *fold_contents_new(void)
{
    return memory_new(1, sizeof(struct fold_contents));
}

/* Forget `body`, which lies in `contents`. */
static void drop(struct fold_contents *contents, struct body *body)
{
    contents->memory_bytes -= body->memory_bytes;
    content_coding_free(body->coding);
    *body = contents->bodies[--contents->count];
}

void fold_contents_begin_session(struct fold_contents *contents)
{
    while (contents && contents->count > 0)
        drop(contents, contents->bodies);
}

void fold_contents_free(struct fold_contents *contents)
{
    fold_contents_begin_session(contents);
    free(contents);
}

static struct body *find(struct fold_contents *contents, uint32_t connection, uint32_t exchange)
{
    for (size_t i = 0; i < contents->count; i++) {
        struct body *body = &contents->bodies[i];
        if (body->connection == connection && body->exchange == exchange)
            return body;
    }
    return NULL;
}

static bool affordable(const struct fold_contents *contents)
{
    return contents->memory_bytes <= FOLD_CONTENTS_MEMORY_BYTES &&
           contents->output_bytes <= FOLD_CONTENTS_FREE_BYTES + FOLD_CONTENTS_RATIO * contents->input_bytes;
}

static bool is_content_encoding(const Mitm__Header *field)
{
    static const char name[] = "Content-Encoding";
    return field->name.len == sizeof name - 1 &&
           strncasecmp((const char *)field->name.data, name, sizeof name - 1) == 0;
}

static void begin(struct fold_contents *contents, uint32_t connection, uint32_t exchange,
                  const Mitm__HttpResponseHeaders *ev)
{
    struct content_codings codings = {0};
    for (size_t i = 0; i < ev->n_headers; i++)
        if (is_content_encoding(ev->headers[i]))
            content_codings_add(&codings, ev->headers[i]->value.data, ev->headers[i]->value.len);
    if (codings.count == 0 || codings.unknown || ev->omitted > 0 || find(contents, connection, exchange) ||
        contents->count == FOLD_CONTENTS_OPEN || !affordable(contents))
        return;
    contents->bodies[contents->count++] =
        (struct body){.connection = connection, .exchange = exchange, .coding = content_coding_new(&codings)};
}

/* Decode a piece of `body`. Return false if the body cannot or must not be decoded further. */
static bool decode(struct fold_contents *contents, struct body *body, const Mitm__HttpResponseBody *ev)
{
    if (ev->len_bytes == 0)
        return true;
    if (ev->offset_bytes != body->offset_bytes || ev->data.len != ev->len_bytes)
        return false;
    uint64_t before_bytes = content_coding_output_bytes(body->coding);
    bool good = content_coding_feed(body->coding, ev->data.data, ev->data.len);
    body->offset_bytes += ev->data.len;
    contents->input_bytes += ev->data.len;
    contents->output_bytes += content_coding_output_bytes(body->coding) - before_bytes;
    contents->memory_bytes -= body->memory_bytes;
    body->memory_bytes = content_coding_memory_bytes(body->coding);
    contents->memory_bytes += body->memory_bytes;
    return good && affordable(contents);
}

/* Return whether the message has ended where its framing says. */
static bool is_whole(const Mitm__HttpResponseEnd *ev)
{
    return ev->cause == MITM__HTTP_END_CAUSE__CONTENT_LENGTH || ev->cause == MITM__HTTP_END_CAUSE__LAST_CHUNK ||
           ev->cause == MITM__HTTP_END_CAUSE__UNTIL_CLOSE || ev->cause == MITM__HTTP_END_CAUSE__END_STREAM;
}

static void end(struct fold_contents *contents, struct body *body, struct model_exchange *exchange,
                const Mitm__HttpResponseEnd *ev)
{
    if (is_whole(ev) && ev->body_bytes == body->offset_bytes && content_coding_complete(body->coding))
        exchange->decoded_bytes = model_number(content_coding_decoded_bytes(body->coding));
    drop(contents, body);
}

void fold_contents_apply(struct fold_contents *contents, uint32_t connection, struct model_exchange *exchange,
                         const Mitm__Record *record)
{
    if (!contents || exchange->id == 0)
        return;
    if (record->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_HEADERS) {
        if (exchange->response.head_ns == MODEL_NONE && exchange->response.end_ns == MODEL_NONE)
            begin(contents, connection, exchange->id, record->http_response_headers);
    } else if (record->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_BODY) {
        struct body *body = find(contents, connection, exchange->id);
        if (body && !decode(contents, body, record->http_response_body))
            drop(contents, body);
    } else if (record->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_END) {
        struct body *body = find(contents, connection, exchange->id);
        if (body)
            end(contents, body, exchange, record->http_response_end);
    }
}
