#include "capture/decode/tls/message.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"

static bool is_collected(const struct tls_message *message)
{
    return message->type < 32 && (message->collected >> message->type & 1) != 0;
}

static void begin(struct tls_message *message, const struct piece *part, uint64_t first_t_ns)
{
    free(message->body);
    *message = (struct tls_message){.collected = message->collected,
                                    .max_bytes = message->max_bytes,
                                    .offset = part->offset,
                                    .first_t_ns = first_t_ns};
}

/* The header is complete. Return whether the message can be read. */
static bool open(struct tls_message *message)
{
    const uint8_t *header = message->header;
    message->type = header[0];
    message->len = (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
    if (message->len > (is_collected(message) ? TLS_MESSAGE_MAX_BYTES : message->max_bytes)) {
        return false;
    }
    if (is_collected(message)) {
        uint32_t room = 0;
        message->body = grow(NULL, &room, message->len + 1, 1);
    }
    return true;
}

static void read_body(struct tls_message *message, struct piece *part)
{
    uint32_t left = message->len - message->done;
    uint32_t n = part->len < left ? (uint32_t)part->len : left;
    if (message->body && n > 0) {
        memcpy(message->body + message->done, part->data, n);
    }
    message->done += n;
    piece_skip(part, n);
}

enum tls_message_result tls_message_read(struct tls_message *message, struct piece *part, uint64_t first_t_ns)
{
    if (!tls_message_begun(message)) {
        if (part->len == 0) {
            return TLS_MESSAGE_MORE;
        }
        begin(message, part, first_t_ns);
    }
    while (message->header_len < TLS_MESSAGE_HEADER_BYTES && part->len > 0) {
        message->header[message->header_len++] = part->data[0];
        piece_skip(part, 1);
        if (message->header_len == TLS_MESSAGE_HEADER_BYTES && !open(message)) {
            return TLS_MESSAGE_TOO_LONG;
        }
    }
    if (message->header_len < TLS_MESSAGE_HEADER_BYTES || (part->len == 0 && message->done < message->len)) {
        return TLS_MESSAGE_MORE;
    }
    read_body(message, part);
    return message->done == message->len ? TLS_MESSAGE_DONE : TLS_MESSAGE_MORE;
}

void tls_message_fini(struct tls_message *message)
{
    free(message->body);
    message->body = NULL;
}
