/*
 * Events of TLS, and the turns that can be seen of an encrypted connection without keys.
 *
 * The rule of the turns (mitm-analyze(1) has it, too). It looks at the reads (TlsData) behind the handshake's end,
 * inferred or exact; where early data were sent, from their first record on.
 * 1. A read counts if a record of application data began in it that can carry more than CONTROL_BYTES: shorter ones are
 *    acknowledgements, pings, alerts and changes of windows, longer ones can be requests (HPACK makes 38 bytes of
 *    Chromium's when they are like the one before). In TLS 1.3 the client's Finished looks like such a record: the read
 *    with which the handshake ends needs another one.
 * 2. A read of the client that counts begins a turn if there is none, or the current one has been answered; else it is
 *    more of the current turn's request.
 * 3. A read of the server that counts is (more of) the answer to the current turn; before the first turn it is none.
 * 4. A read in which no record began goes the way of the read before it in its direction, but an answer's not beyond
 *    the beginning of the next turn.
 * An answer ends the request: what the client sends of it later counts with its bytes only.
 */
#include <stdlib.h>

#include "analyze/fold_parts.h"
#include "base/memory.h"

enum {
    TLS_1_2 = 0x0303,
    TLS_1_3 = 0x0304,
    CONTROL_BYTES = 26, /* two WINDOW_UPDATE frames (RFC 9113, 6.9) */
    OVERHEAD_1_2 = 29,  /* of a record: header, explicit nonce, tag (RFC 5288) */
    OVERHEAD_1_3 = 22   /* header, inner type, tag (RFC 8446, 5.2) */
};

struct model_tls *fold_tls_of(struct model_connection *c)
{
    if (c->tls)
        return c->tls;
    struct model_alert alert = {.t_ns = MODEL_NONE};
    c->tls = memory_new(1, sizeof *c->tls);
    *c->tls = (struct model_tls){.client_hello_ns = MODEL_NONE,
                                 .retry_ns = MODEL_NONE,
                                 .server_hello_ns = MODEL_NONE,
                                 .end_ns = MODEL_NONE,
                                 .inferred_end_ns = MODEL_NONE,
                                 .alerts = {alert, alert},
                                 .failure_ns = MODEL_NONE,
                                 .data_first_ns = {MODEL_NONE, MODEL_NONE},
                                 .finished = {.t_ns = MODEL_NONE}};
    return c->tls;
}

/* ---------------------------------------------------------------- the handshake */

/* Keep the protocols separated by commas. */
static struct text keep_alpn(struct texts *texts, const Mitm__TlsClientHello *ev)
{
    size_t len = 0;
    for (size_t i = 0; i < ev->n_alpn; i++)
        len += ev->alpn[i].len + 1;
    if (len == 0)
        return (struct text){0};
    uint8_t *p = texts_reserve(texts, len);
    struct text joined = {p, (uint32_t)(len - 1)};
    for (size_t i = 0; i < ev->n_alpn; i++) {
        if (ev->alpn[i].len > 0)
            memcpy(p, ev->alpn[i].data, ev->alpn[i].len);
        p += ev->alpn[i].len;
        *p++ = ',';
    }
    return joined;
}

static void client_hello(struct model_tls *tls, struct texts *texts, const Mitm__TlsClientHello *ev, int64_t t_ns)
{
    if (tls->client_hello_ns != MODEL_NONE)
        return;
    tls->client_hello_ns = t_ns;
    tls->client_hello_bytes = ev->len_bytes;
    tls->server_name = keep_bytes(texts, ev->has_server_name, ev->server_name);
    tls->offered_alpn = keep_alpn(texts, ev);
    tls->ech = ev->ech;
    tls->resumption_offered = ev->resumption;
    tls->early_data_offered = ev->early_data;
}

static void server_hello(struct model_tls *tls, struct texts *texts, const Mitm__TlsServerHello *ev, int64_t t_ns)
{
    if (tls->server_hello_ns != MODEL_NONE)
        return;
    tls->server_hello_ns = t_ns;
    tls->version = ev->version;
    tls->cipher_suite = ev->cipher_suite;
    if (ev->has_group)
        tls->group = ev->group;
    if (ev->has_resumed && !tls->has_resumed) {
        tls->has_resumed = true;
        tls->resumed = ev->resumed;
    }
    if (ev->has_alpn)
        tls->alpn = keep_bytes(texts, true, ev->alpn);
}

static void alert(struct model_tls *tls, const Mitm__TlsAlert *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    if (direction == MODEL_DIRECTIONS)
        return;
    struct model_alert new = {t_ns, ev->has_level, ev->level, ev->description}, *old = &tls->alerts[direction];
    if (old->t_ns == MODEL_NONE || (model_alert_fatal(&new) && !model_alert_fatal(old)))
        *old = new;
}

static void decryption(struct model_connection *c, struct texts *texts, const Mitm__TlsDecryption *ev, int64_t t_ns)
{
    struct model_tls *tls = c->tls;
    if (!ev->has_status)
        return;
    if (ev->status == MITM__TLS_DECRYPTION_STATUS__DECRYPTED) {
        if (!tls->decrypted && tls->failure == 0)
            fold_drop_opaque(c); /* what it carried is known now */
        tls->decrypted = true;
        return;
    }
    int direction = direction_index(ev->has_direction, ev->direction);
    for (int i = 0; i < MODEL_DIRECTIONS; i++)
        tls->unreadable[i] |= direction == i || direction == MODEL_DIRECTIONS;
    if (tls->failure != 0)
        return;
    tls->failure = (uint32_t)ev->status;
    tls->failure_ns = t_ns;
    tls->failure_detail = keep_string(texts, ev->detail);
}

/* ---------------------------------------------------------------- turns */

/* Return `turns`, or new ones if it is NULL, with room for one more; the pointer may have changed. */
static struct model_turns *make_room(struct model_turns *turns)
{
    if (turns && turns->count < turns->capacity)
        return turns;
    size_t capacity = turns ? turns->capacity * 2 : 4;
    struct model_turns *p = realloc(turns, sizeof *p + capacity * sizeof *p->turns);
    if (!p)
        abort();
    if (!turns)
        *p = (struct model_turns){0};
    p->capacity = capacity;
    return p;
}

/* Return the current turn; NULL: there is none, or it was omitted. */
static struct model_turn *current_turn(struct model_turns *turns)
{
    return turns && turns->count > 0 && turns->omitted == 0 ? &turns->turns[turns->count - 1] : NULL;
}

static void begin_turn(struct model_tls *tls, int64_t t_ns)
{
    if (tls->turns && tls->turns->count == MODEL_TURNS) {
        tls->turns->omitted += tls->turns->omitted < UINT64_MAX;
    } else {
        struct model_turns *turns = tls->turns = make_room(tls->turns);
        turns->turns[turns->count++] = (struct model_turn){t_ns, t_ns, MODEL_NONE, MODEL_NONE, 0, 0};
    }
    tls->turns->answered = false;
    tls->turns->counted[MODEL_TO_CLIENT] = false;
}

static void sent_by_client(struct model_tls *tls, uint64_t len_bytes, int64_t t_ns, bool began)
{
    if (!tls->turns || (began && tls->turns->answered))
        begin_turn(tls, t_ns);
    struct model_turn *turn = current_turn(tls->turns);
    if (!turn)
        return;
    turn->request_bytes = rate_sum(turn->request_bytes, len_bytes);
    if (!tls->turns->answered && t_ns > turn->request_last_ns)
        turn->request_last_ns = t_ns;
}

static void sent_by_server(struct model_turns *turns, uint64_t len_bytes, int64_t t_ns)
{
    turns->answered = true;
    struct model_turn *turn = current_turn(turns);
    if (!turn)
        return;
    turn->response_bytes = rate_sum(turn->response_bytes, len_bytes);
    ONCE(turn->response_first_ns, t_ns);
    if (t_ns > turn->response_last_ns)
        turn->response_last_ns = t_ns;
}

static bool is_long(const struct model_tls *tls, const struct model_read *read)
{
    bool old = tls->version != 0 && tls->version <= TLS_1_2;
    return read->largest_bytes > (uint32_t)(CONTROL_BYTES + (old ? OVERHEAD_1_2 : OVERHEAD_1_3));
}

/* Fold a read that is behind the handshake's end. */
static void turn_read(struct model_tls *tls, int direction, const struct model_read *read)
{
    if (direction == MODEL_TO_CLIENT && !tls->turns)
        return;
    bool began = read->records > 0;
    bool counts = began ? is_long(tls, read) : tls->turns && tls->turns->counted[direction];
    if (counts && direction == MODEL_TO_SERVER)
        sent_by_client(tls, read->len_bytes, read->t_ns, began);
    else if (counts)
        sent_by_server(tls->turns, read->len_bytes, read->t_ns);
    if (tls->turns)
        tls->turns->counted[direction] = counts;
}

/* Fold the client's read with which the handshake ended: its Finished is no request. */
static void turn_finished(struct model_tls *tls, struct model_read read)
{
    if (tls->version == TLS_1_3 && read.records > 0)
        read.records--;
    if (read.records > 0)
        turn_read(tls, MODEL_TO_SERVER, &read);
}

static void data(struct model_session *session, struct model_connection *c, const Mitm__TlsData *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    struct model_tls *tls = c->tls;
    if (direction == MODEL_DIRECTIONS)
        return;
    ONCE(tls->data_first_ns[direction], t_ns);
    see_wire_bytes(session, c, direction, ev->len_bytes, t_ns);
    if (!tls->decrypted || tls->unreadable[direction])
        fold_opaque(c, direction, ev->len_bytes, t_ns);
    struct model_read read = {t_ns, ev->len_bytes, ev->records, ev->largest_bytes};
    if (ev->early && direction == MODEL_TO_SERVER)
        tls->early_bytes = rate_sum(tls->early_bytes, ev->len_bytes);
    if (direction == MODEL_TO_SERVER && t_ns == tls->end_ns)
        turn_finished(tls, read);
    else if (tls->early_bytes > 0 || (tls->end_ns != MODEL_NONE && t_ns >= tls->end_ns))
        turn_read(tls, direction, &read);
    else if (direction == MODEL_TO_SERVER)
        tls->finished = read;
}

static void handshake_end(struct model_tls *tls, struct texts *texts, const Mitm__TlsHandshakeEnd *ev, int64_t t_ns)
{
    if (ev->inferred)
        ONCE(tls->inferred_end_ns, t_ns);
    bool first = tls->end_ns == MODEL_NONE, exact = tls->end_inferred && !ev->inferred;
    if (!first && !exact)
        return;
    tls->end_ns = t_ns;
    tls->end_inferred = ev->inferred;
    if (ev->has_resumed) {
        tls->has_resumed = true;
        tls->resumed = ev->resumed;
    }
    if (ev->has_group && tls->group == 0)
        tls->group = ev->group;
    if (ev->has_alpn)
        tls->alpn = keep_bytes(texts, true, ev->alpn);
    if (ev->has_early_data_accepted) {
        tls->has_early_data_accepted = true;
        tls->early_data_accepted = ev->early_data_accepted;
    }
    if (first && !tls->turns && tls->finished.t_ns == t_ns)
        turn_finished(tls, tls->finished);
}

bool fold_tls(struct model_session *session, struct model_connection *c, struct texts *texts,
              const Mitm__Record *record, int64_t t_ns)
{
    int event = (int)record->event_case;
    if (event < MITM__RECORD__EVENT_TLS_CLIENT_HELLO || event > MITM__RECORD__EVENT_TLS_DECRYPTION)
        return false;
    struct model_tls *tls = fold_tls_of(c);
    if (event == MITM__RECORD__EVENT_TLS_CLIENT_HELLO) {
        client_hello(tls, texts, record->tls_client_hello, t_ns);
    } else if (event == MITM__RECORD__EVENT_TLS_HELLO_RETRY_REQUEST) {
        ONCE(tls->retry_ns, t_ns);
    } else if (event == MITM__RECORD__EVENT_TLS_SERVER_HELLO) {
        server_hello(tls, texts, record->tls_server_hello, t_ns);
    } else if (event == MITM__RECORD__EVENT_TLS_HANDSHAKE_END) {
        handshake_end(tls, texts, record->tls_handshake_end, t_ns);
    } else if (event == MITM__RECORD__EVENT_TLS_ALERT) {
        alert(tls, record->tls_alert, t_ns);
    } else if (event == MITM__RECORD__EVENT_TLS_DATA) {
        data(session, c, record->tls_data, t_ns);
    } else {
        decryption(c, texts, record->tls_decryption, t_ns);
    }
    return true;
}
