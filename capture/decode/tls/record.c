#include "capture/decode/tls/record.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"

/* Return whether the header's byte `i` is `c` in some record; the header's bytes before it are there. */
static bool valid(const struct tls_record *record, size_t i, uint8_t c)
{
    switch (i) {
    case 0:
        return c >= TLS_CHANGE_CIPHER_SPEC && c <= TLS_HEARTBEAT;
    case 1:
        return c == 3;
    case 4:
        return ((size_t)record->header[3] << 8 | c) <= TLS_PAYLOAD_BYTES;
    default:
        return true;
    }
}

/* Forget the record that was read; the next one begins with `piece`. */
static void begin(struct tls_record *record, const struct piece *piece)
{
    free(record->copy);
    *record = (struct tls_record){.offset = piece->offset,
                                  .first_t_ns = piece->t_ns,
                                  .in_place = piece->len >= TLS_HEADER_BYTES ? piece->data : NULL};
}

static enum tls_record_result read_header(struct tls_record *record, struct piece *piece)
{
    while (piece->len > 0) {
        size_t i = record->header_len;
        if (!valid(record, i, piece->data[0])) {
            return TLS_RECORD_INVALID;
        }
        record->header[i] = piece->data[0];
        record->header_len++;
        piece_skip(piece, 1);
        if (record->header_len == TLS_HEADER_BYTES) {
            record->len = (uint32_t)record->header[3] << 8 | record->header[4];
            return TLS_RECORD_HEADER;
        }
    }
    return TLS_RECORD_MORE;
}

/* Keep `part`, unless the whole record lies in the piece. */
static void copy(struct tls_record *record, const struct piece *part)
{
    if (record->in_place && part->len == record->len) {
        return;
    }
    if (!record->copy) {
        uint32_t room = 0;
        record->copy = grow(NULL, &room, (uint32_t)TLS_HEADER_BYTES + record->len, 1);
        memcpy(record->copy, record->header, TLS_HEADER_BYTES);
    }
    if (part->len > 0) {
        memcpy(record->copy + TLS_HEADER_BYTES + record->done, part->data, part->len);
    }
}

static enum tls_record_result read_part(struct tls_record *record, struct piece *piece, struct piece *part)
{
    uint32_t left = record->len - record->done;
    *part = *piece;
    part->len = piece->len < left ? piece->len : left;
    if (record->whole) {
        copy(record, part);
    }
    piece_skip(piece, part->len);
    record->done += (uint32_t)part->len;
    record->complete = record->done == record->len;
    return TLS_RECORD_PART;
}

enum tls_record_result tls_record_read(struct tls_record *record, struct piece *piece, struct piece *part)
{
    bool in_body = record->header_len == TLS_HEADER_BYTES && !record->complete;
    if (in_body && (piece->len > 0 || record->len == 0)) {
        return read_part(record, piece, part);
    }
    if (piece->len == 0) {
        record->in_place = NULL;
        return TLS_RECORD_MORE;
    }
    if (record->complete || record->header_len == 0) {
        begin(record, piece);
    }
    return read_header(record, piece);
}

const uint8_t *tls_record_bytes(const struct tls_record *record)
{
    assert(record->whole && record->complete);
    return record->copy ? record->copy : record->in_place;
}

void tls_record_fini(struct tls_record *record)
{
    free(record->copy);
    *record = (struct tls_record){0};
}
