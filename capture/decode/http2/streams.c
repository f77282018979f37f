#include "capture/decode/http2/streams.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"

/* Return the index of the first stream whose identifier is not below `id`. */
static uint32_t position(const struct streams *streams, uint32_t id)
{
    uint32_t low = 0;
    uint32_t high = streams->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (streams->list[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct stream *streams_find(struct streams *streams, uint32_t id)
{
    if (streams->found && streams->found->id == id) {
        return streams->found;
    }
    uint32_t at = position(streams, id);
    if (at == streams->n || streams->list[at]->id != id) {
        return NULL;
    }
    streams->found = streams->list[at];
    return streams->found;
}

struct stream *streams_add(struct streams *streams, uint32_t id)
{
    assert(streams->n < HTTP2_STREAMS_MAX);
    uint32_t at = position(streams, id);
    assert(at == streams->n || streams->list[at]->id != id);
    streams->list = grow(streams->list, &streams->room, streams->n + 1, sizeof(struct stream *));
    memmove(streams->list + at + 1, streams->list + at, (streams->n - at) * sizeof(struct stream *));
    struct stream *stream = grow_new(1, sizeof *stream);
    stream->id = id;
    streams->list[at] = stream;
    streams->n++;
    return stream;
}

static void free_stream(struct streams *streams, struct stream *stream)
{
    if (streams->found == stream) {
        streams->found = NULL;
    }
    websocket_free(stream->websocket);
    free(stream);
}

void streams_remove(struct streams *streams, struct stream *stream)
{
    uint32_t at = position(streams, stream->id);
    assert(at < streams->n && streams->list[at] == stream);
    streams->n--;
    memmove(streams->list + at, streams->list + at + 1, (streams->n - at) * sizeof(struct stream *));
    free_stream(streams, stream);
}

void streams_sweep(struct streams *streams)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < streams->n; i++) {
        struct stream *stream = streams->list[i];
        if (stream->halves[0].closed && stream->halves[1].closed) {
            free_stream(streams, stream);
        } else {
            streams->list[kept++] = stream;
        }
    }
    streams->n = kept;
}

void streams_fini(struct streams *streams)
{
    for (uint32_t i = 0; i < streams->n; i++) {
        free_stream(streams, streams->list[i]);
    }
    free(streams->list);
}
