#include "capture/decode/socks.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

void socks_init(struct socks *socks, Mitm__Direction direction)
{
    *socks = (struct socks){.direction = direction};
    socks->kind = direction == MITM__DIRECTION__TO_SERVER ? SOCKS_GREETING : SOCKS_METHOD;
}

void socks_expect(struct socks *socks, enum socks_kind kind)
{
    socks->kind = kind;
    socks->offset_bytes += socks->len_bytes;
    socks->len_bytes = 0;
}

/* Why a message is bad: which byte of it, and what about it. */
struct problem {
    Mitm__ViolationKind kind;
    size_t at;
    const char *detail;
};

/* Return how many bytes the message has in all, as far as the collected ones tell. */
static size_t needed_bytes(const struct socks *socks)
{
    const uint8_t *b = socks->bytes;
    size_t have = socks->len_bytes;
    switch (socks->kind) {
    case SOCKS_GREETING:
        return have < 2 ? 2 : (size_t)2 + b[1];
    case SOCKS_AUTH:
        if (have < 2)
            return 2;
        return have < (size_t)3 + b[1] ? (size_t)3 + b[1] : (size_t)3 + b[1] + b[2 + b[1]];
    case SOCKS_METHOD:
    case SOCKS_STATUS:
        return 2;
    case SOCKS_REQUEST:
    case SOCKS_REPLY:
        if (have < 4)
            return 4;
        if (b[3] == SOCKS_NAME)
            return have < 5 ? 5 : (size_t)5 + b[4] + 2;
        return b[3] == SOCKS_IPV6 ? 4 + 16 + 2 : 4 + 4 + 2;
    }
    assert(false && "socks: kind");
    return 0;
}

static bool known_address_type(uint8_t type)
{
    return type == SOCKS_IPV4 || type == SOCKS_NAME || type == SOCKS_IPV6;
}

/*
 * Check the bytes collected so far, so that a wrong first byte is refused at once and not waited upon. Return whether
 * they can be the beginning of a message; else say in *problem why not.
 */
static bool check(const struct socks *socks, struct problem *problem)
{
    const uint8_t *b = socks->bytes;
    size_t have = socks->len_bytes;
    bool from_client = socks->direction == MITM__DIRECTION__TO_SERVER;
    bool auth = socks->kind == SOCKS_AUTH || socks->kind == SOCKS_STATUS;
    if (have > 0 && b[0] != (auth ? SOCKS_AUTH_VERSION : SOCKS_VERSION)) {
        *problem = (struct problem){!from_client ? MITM__VIOLATION_KIND__SOCKS_REPLY
                                    : auth       ? MITM__VIOLATION_KIND__SOCKS_AUTH
                                                 : MITM__VIOLATION_KIND__SOCKS_VERSION,
                                    0,
                                    auth ? "user name and password do not begin with version 1"
                                         : "the message does not begin with version 5"};
        return false;
    }
    if (have < 4 || (socks->kind != SOCKS_REQUEST && socks->kind != SOCKS_REPLY))
        return true;
    if (from_client && !known_address_type(b[3])) {
        *problem = (struct problem){MITM__VIOLATION_KIND__SOCKS_REQUEST, 3, "unknown address type in the request"};
        return false;
    }
    if (from_client && b[3] == SOCKS_NAME && have > 4 && b[4] == 0) {
        *problem = (struct problem){MITM__VIOLATION_KIND__SOCKS_REQUEST, 4, "the request names an empty host"};
        return false;
    }
    /* Tor answers a failed RESOLVE with address type 0 and the rest of an IPv4 address: taken as such. */
    if (!from_client && !known_address_type(b[3]) && !(b[3] == 0 && b[1] != SOCKS_SUCCEEDED)) {
        *problem = (struct problem){MITM__VIOLATION_KIND__SOCKS_REPLY, 3, "unknown address type in the reply"};
        return false;
    }
    return true;
}

static void emit_violation(const struct socks *socks, const struct event_sink *sink, uint64_t t_ns,
                           const struct problem *problem)
{
    EVENT_NEW(record, ev, t_ns, Violation, VIOLATION, violation);
    EVENT_SET(ev, kind, problem->kind);
    EVENT_SET(ev, direction, socks->direction);
    EVENT_SET(ev, offset_bytes, socks->offset_bytes + problem->at);
    ev.detail = (char *)(uintptr_t)problem->detail;
    event_emit(sink, &record);
}

void socks_truncated(const struct socks *socks, const struct event_sink *sink, uint64_t t_ns)
{
    struct problem problem = {MITM__VIOLATION_KIND__SOCKS_TRUNCATED, socks->len_bytes,
                              "the connection ended before the SOCKS handshake did"};
    emit_violation(socks, sink, t_ns, &problem);
}

/* Fill in address and port of the complete request or reply. */
static void read_address(const struct socks *socks, struct socks_message *message)
{
    const uint8_t *b = socks->bytes;
    message->address_type = b[3];
    if (b[3] == SOCKS_NAME) {
        message->host_len_bytes = b[4];
        memcpy(message->host, b + 5, b[4]);
        message->host[b[4]] = '\0';
    } else {
        int family = b[3] == SOCKS_IPV6 ? AF_INET6 : AF_INET;
        const char *text = inet_ntop(family, b + 4, message->host, sizeof message->host);
        assert(text);
        message->host_len_bytes = strlen(text);
    }
    const uint8_t *port = b + socks->len_bytes - 2;
    message->port = (uint16_t)(port[0] << 8 | port[1]);
}

static void emit_request(const struct socks *socks, const struct event_sink *sink, const struct socks_message *message)
{
    EVENT_NEW(record, ev, socks->first_t_ns, SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
    EVENT_SET(ev, command, message->command);
    EVENT_SET(ev, address_type, message->address_type);
    EVENT_SET_BYTES(ev, host, message->host, message->host_len_bytes);
    EVENT_SET(ev, port, message->port);
    event_emit(sink, &record);
}

/* Fill in `message` from the complete message and emit its event. */
static void finish(const struct socks *socks, const struct event_sink *sink, uint64_t t_ns,
                   struct socks_message *message)
{
    const uint8_t *b = socks->bytes;
    *message = (struct socks_message){0};
    switch (socks->kind) {
    case SOCKS_GREETING: {
        EVENT_NEW(record, ev, t_ns, SocksMethodsOffered, SOCKS_METHODS_OFFERED, socks_methods_offered);
        EVENT_SET_BYTES(ev, methods, b + 2, b[1]);
        event_emit(sink, &record);
        return;
    }
    case SOCKS_METHOD: {
        message->method = b[1];
        EVENT_NEW(record, ev, t_ns, SocksMethodChosen, SOCKS_METHOD_CHOSEN, socks_method_chosen);
        EVENT_SET(ev, method, b[1]);
        event_emit(sink, &record);
        return;
    }
    case SOCKS_STATUS: {
        message->status = b[1];
        EVENT_NEW(record, ev, t_ns, SocksAuthEnd, SOCKS_AUTH_END, socks_auth_end);
        EVENT_SET(ev, status, b[1]);
        event_emit(sink, &record);
        return;
    }
    case SOCKS_REQUEST:
        message->command = b[1];
        read_address(socks, message);
        emit_request(socks, sink, message);
        return;
    case SOCKS_REPLY:
        message->reply = b[1];
        read_address(socks, message);
        return;
    case SOCKS_AUTH:
        return;
    }
}

enum socks_result socks_feed(struct socks *socks, const struct event_sink *sink, uint64_t t_ns, const uint8_t *data,
                             size_t len, size_t *used, struct socks_message *message)
{
    *used = 0;
    for (;;) {
        struct problem problem;
        if (!check(socks, &problem)) {
            emit_violation(socks, sink, t_ns, &problem);
            return SOCKS_BAD;
        }
        size_t need = needed_bytes(socks) - socks->len_bytes;
        if (need == 0)
            break;
        if (*used == len)
            return SOCKS_MORE;
        if (socks->len_bytes == 0)
            socks->first_t_ns = t_ns;
        size_t n = need < len - *used ? need : len - *used;
        memcpy(socks->bytes + socks->len_bytes, data + *used, n);
        socks->len_bytes += n;
        *used += n;
    }
    finish(socks, sink, t_ns, message);
    return SOCKS_DONE;
}

void socks_credentials(const struct socks *socks, const uint8_t **username, size_t *username_len,
                       const uint8_t **password, size_t *password_len)
{
    const uint8_t *b = socks->bytes;
    *username = b + 2;
    *username_len = b[1];
    *password = b + 3 + b[1];
    *password_len = b[2 + b[1]];
}

size_t socks_write_reply(uint8_t *out, uint8_t reply, const uint8_t *address, size_t address_len, uint16_t port)
{
    static const uint8_t any[4] = {0};
    if (!address) {
        address = any;
        address_len = sizeof any;
    }
    assert(address_len == 4 || address_len == 16);
    out[0] = SOCKS_VERSION;
    out[1] = reply;
    out[2] = 0;
    out[3] = address_len == 4 ? SOCKS_IPV4 : SOCKS_IPV6;
    memcpy(out + 4, address, address_len);
    out[4 + address_len] = (uint8_t)(port >> 8);
    out[5 + address_len] = (uint8_t)port;
    return 6 + address_len;
}
