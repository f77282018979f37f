#include "analyze/model.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyze/boundary.h"
#include "analyze/fold.h"
#include "analyze/fold_contents.h"
#include "analyze/map.h"
#include "base/memory.h"

struct model {
    struct model_options options;
    const char *file;
    struct model_session **sessions;
    size_t session_count, session_capacity;
    struct boundary boundary;
    struct model_session *current; /* the last session; NULL: there was no room for it */
    uint64_t connection_total, exchange_total;
    struct texts texts;
    struct fold_contents *contents; /* NULL: Content-Encoding is not undone */
    /* Of the current session. */
    struct map connections; /* connection id → index */
    struct map exchanges;   /* connection index and exchange id → index */
    struct map streams;     /* connection index and HTTP/2 stream → index of the exchange */
    struct map servers;     /* address of the kept text "kind host:port" → index */
};

struct model *model_new(const struct model_options *options)
{
    struct model *model = memory_new(1, sizeof *model);
    model->options = *options;
    if (model->options.max_connections == 0)
        model->options.max_connections = MODEL_MAX_CONNECTIONS;
    if (model->options.max_exchanges == 0)
        model->options.max_exchanges = MODEL_MAX_EXCHANGES;
    if (options->decode_contents)
        model->contents = fold_contents_new();
    return model;
}

static void stalls_free(struct model_stalls *const stalls[MODEL_DIRECTIONS])
{
    for (int i = 0; i < MODEL_DIRECTIONS; i++)
        free(stalls[i]);
}

static void session_free(struct model_session *session)
{
    for (size_t i = 0; i < session->connection_count; i++) {
        struct model_connection *c = &session->connections[i];
        free(c->bursts);
        if (c->tls)
            free(c->tls->turns);
        free(c->tls);
        if (c->http2)
            stalls_free(c->http2->stall_times);
        free(c->http2);
    }
    for (size_t i = 0; i < session->exchange_count; i++) {
        free(session->exchanges[i].reached_ns);
        if (session->exchanges[i].h2)
            stalls_free(session->exchanges[i].h2->stall_times);
        free(session->exchanges[i].h2);
    }
    free(session->connections);
    free(session->exchanges);
    free(session->servers);
    free(session->changes);
    free(session->marks);
    free(session->pauses);
    rate_fini(&session->received);
    free(session);
}

void model_free(struct model *model)
{
    if (!model)
        return;
    for (size_t i = 0; i < model->session_count; i++)
        session_free(model->sessions[i]);
    free(model->sessions);
    texts_fini(&model->texts);
    fold_contents_free(model->contents);
    map_fini(&model->connections);
    map_fini(&model->exchanges);
    map_fini(&model->streams);
    map_fini(&model->servers);
    free(model);
}

void model_begin_file(struct model *model, const char *name)
{
    model->file = name;
    model->boundary = (struct boundary){0};
}

/* ---------------------------------------------------------------- sessions */

static void begin_session(struct model *model, const Mitm__Record *record)
{
    if (model->session_count == MODEL_MAX_SESSIONS) {
        model->current = NULL;
        return;
    }
    struct model_session *session = memory_new(1, sizeof *session);
    session->file = model->file;
    session->has_id = record->has_session;
    session->id = record->session;
    session->first_ns = session->last_ns = MODEL_NONE;
    session->settings = fold_no_settings();
    model->sessions = memory_grow(model->sessions, model->session_count, &model->session_capacity, sizeof(void *));
    model->sessions[model->session_count++] = session;
    model->current = session;
    map_clear(&model->connections);
    map_clear(&model->exchanges);
    map_clear(&model->streams);
    map_clear(&model->servers);
    fold_contents_begin_session(model->contents);
}

/* ---------------------------------------------------------------- connections and exchanges */

/* Return the record's connection; NULL if there is no room for it. */
static struct model_connection *connection_of(struct model *model, uint32_t id)
{
    struct model_session *session = model->current;
    uint32_t index;
    if (map_get(&model->connections, id, &index))
        return &session->connections[index];
    if (model->connection_total >= model->options.max_connections)
        return NULL;
    model->connection_total++;
    index = (uint32_t)session->connection_count++;
    session->connections =
        memory_grow(session->connections, index, &session->connection_capacity, sizeof *session->connections);
    session->connections[index] = fold_new_connection(id);
    map_put(&model->connections, id, index);
    return &session->connections[index];
}

/* Return the exchange `id` of `connection`; NULL if there is no room for it. */
static struct model_exchange *exchange_of(struct model *model, struct model_connection *connection, uint32_t id)
{
    struct model_session *session = model->current;
    uint32_t last = connection->last_exchange;
    if (last != MODEL_NO_INDEX && session->exchanges[last].id == id)
        return &session->exchanges[last];
    uint64_t key = (uint64_t)(connection - session->connections) << 32 | id;
    uint32_t index;
    if (map_get(&model->exchanges, key, &index))
        return &session->exchanges[index];
    if (model->exchange_total >= model->options.max_exchanges)
        return NULL;
    model->exchange_total++;
    index = (uint32_t)session->exchange_count++;
    session->exchanges =
        memory_grow(session->exchanges, index, &session->exchange_capacity, sizeof *session->exchanges);
    session->exchanges[index] = fold_new_exchange(id);
    map_put(&model->exchanges, key, index);
    if (last == MODEL_NO_INDEX)
        connection->first_exchange = index;
    else
        session->exchanges[last].next = index;
    connection->last_exchange = index;
    connection->exchange_count++;
    return &session->exchanges[index];
}

static uint64_t stream_key(const struct model_session *session, const struct model_connection *connection,
                           uint32_t stream)
{
    return (uint64_t)(connection - session->connections) << 32 | stream;
}

/* Note which exchange a stream of HTTP/2 carries. */
static void note_stream(struct model *model, const struct model_connection *connection,
                        const struct model_exchange *exchange)
{
    uint32_t index;
    uint64_t key = stream_key(model->current, connection, exchange->h2->stream);
    if (!map_get(&model->streams, key, &index))
        map_put(&model->streams, key, (uint32_t)(exchange - model->current->exchanges));
}

/* Return the exchange that an event of HTTP/2 or WebSocket concerns: by its number or else its stream; NULL: none. */
static struct model_exchange *concerned_exchange(struct model *model, struct model_connection *connection,
                                                 const Mitm__Record *record)
{
    uint32_t stream, index;
    if (!fold_names_stream(record, &stream))
        return NULL;
    if (record->has_exchange)
        return exchange_of(model, connection, record->exchange);
    if (stream == 0 || !map_get(&model->streams, stream_key(model->current, connection, stream), &index))
        return NULL;
    return &model->current->exchanges[index];
}

/* ---------------------------------------------------------------- servers */

static enum model_server_kind server_kind(uint32_t command)
{
    enum { RESOLVE = 0xF0, RESOLVE_PTR = 0xF1 };
    return command == RESOLVE || command == RESOLVE_PTR ? MODEL_SERVER_LOOKUP : MODEL_SERVER_CONNECT;
}

/* Return a text that is kept once for each server: kind, port and name in lower case. */
static struct text server_key(struct texts *texts, enum model_server_kind kind, struct text host, uint32_t port)
{
    char key[300];
    if (kind == MODEL_SERVER_LOOKUP)
        return texts_keep(texts, "lookup", 6);
    int n = snprintf(key, sizeof key, "connect %u ", port);
    for (uint32_t i = 0; i < host.len && (size_t)n < sizeof key; i++)
        key[n++] = (char)(host.data[i] >= 'A' && host.data[i] <= 'Z' ? host.data[i] | 0x20 : host.data[i]);
    return texts_keep(texts, key, (size_t)n);
}

/* Set the server of `connection`, whose SOCKS request has just been seen. */
static void set_server(struct model *model, struct model_connection *connection)
{
    struct model_session *session = model->current;
    enum model_server_kind kind = server_kind(connection->command);
    struct text key = server_key(&model->texts, kind, connection->host, connection->port);
    uint32_t index;
    if (!map_get(&model->servers, (uintptr_t)key.data, &index)) {
        index = (uint32_t)session->server_count++;
        session->servers = memory_grow(session->servers, index, &session->server_capacity, sizeof *session->servers);
        session->servers[index] = (struct model_server){.kind = kind};
        if (kind == MODEL_SERVER_CONNECT) {
            session->servers[index].host = connection->host;
            session->servers[index].port = connection->port;
        }
        map_put(&model->servers, (uintptr_t)key.data, index);
    }
    connection->server = index;
}

/* ---------------------------------------------------------------- applying */

static void apply_to_connection(struct model *model, const Mitm__Record *record, int64_t t_ns)
{
    struct model_session *session = model->current;
    struct model_connection *connection = connection_of(model, record->connection);
    if (!connection) {
        session->overflow++;
        return;
    }
    if (connection->first_ns == MODEL_NONE)
        connection->upstream_kind = fold_upstream_kind(session, t_ns);
    if (connection->first_ns == MODEL_NONE || t_ns < connection->first_ns)
        connection->first_ns = t_ns;
    if (t_ns > connection->last_ns)
        connection->last_ns = t_ns;
    if (!fold_is_http(record)) {
        if (!fold_tls(session, connection, &model->texts, record, t_ns) &&
            !fold_http2(connection, concerned_exchange(model, connection, record), record, t_ns))
            fold_connection(session, connection, &model->texts, record, t_ns);
        if (connection->server == MODEL_NO_INDEX && connection->socks_start_ns != MODEL_NONE)
            set_server(model, connection);
        return;
    }
    struct model_exchange *exchange = exchange_of(model, connection, record->has_exchange ? record->exchange : 0);
    if (!exchange) {
        session->overflow++;
        return;
    }
    fold_contents_apply(model->contents, connection->id, exchange, record);
    fold_http(session, connection, exchange, &model->texts, model->options.keep_headers, record, t_ns);
    if (record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_START && exchange->h2 && exchange->h2->stream != 0)
        note_stream(model, connection, exchange);
}

void model_apply(struct model *model, const Mitm__Record *record, bool made)
{
    if (boundary_crossed(&model->boundary, record))
        begin_session(model, record);
    struct model_session *session = model->current;
    if (!session) {
        model->sessions[model->session_count - 1]->overflow++;
        return;
    }
    int64_t t_ns = model_number(record->t_ns);
    session->records += !made;
    if (session->first_ns == MODEL_NONE || t_ns < session->first_ns)
        session->first_ns = t_ns;
    if (t_ns > session->last_ns)
        session->last_ns = t_ns;
    if (record->has_connection)
        apply_to_connection(model, record, t_ns);
    else
        fold_session(session, &model->texts, record);
}

/* ---------------------------------------------------------------- reading */

size_t model_session_count(const struct model *model)
{
    return model->session_count;
}

const struct model_session *model_session(const struct model *model, size_t index)
{
    assert(index < model->session_count);
    return model->sessions[index];
}

const struct model_connection *model_connection(const struct model_session *session, size_t index)
{
    assert(index < session->connection_count);
    return &session->connections[index];
}

const struct model_server *model_server(const struct model_session *session, size_t index)
{
    assert(index < session->server_count);
    return &session->servers[index];
}

bool model_server_named(const struct model_server *server, const char *name)
{
    if (server->kind != MODEL_SERVER_CONNECT)
        return false;
    size_t len = strlen(name), host_len = server->host.len;
    char port[16];
    snprintf(port, sizeof port, ":%" PRIu32, server->port);
    if (len > host_len && strcmp(name + host_len, port) == 0)
        len = host_len;
    return len == host_len && strncasecmp(name, (const char *)server->host.data, len) == 0;
}

static const struct model_exchange *exchange_at(const struct model_session *session, uint32_t index)
{
    return index == MODEL_NO_INDEX ? NULL : &session->exchanges[index];
}

const struct model_exchange *model_first_exchange(const struct model_session *session,
                                                  const struct model_connection *connection)
{
    return exchange_at(session, connection->first_exchange);
}

const struct model_exchange *model_next_exchange(const struct model_session *session,
                                                 const struct model_exchange *exchange)
{
    return exchange_at(session, exchange->next);
}

bool model_connection_open(const struct model_connection *connection)
{
    return connection->end_ns == MODEL_NONE || connection->end_cause == MITM__END_CAUSE__SESSION_ENDED;
}

int64_t model_connection_bytes(const struct model_connection *connection, int direction)
{
    const struct model_stream *stream = &connection->streams[direction];
    if (connection->end_bytes[direction] != MODEL_NONE)
        return connection->end_bytes[direction];
    return stream->sized || connection->exchange_count == 0 ? model_number(stream->seen_bytes) : MODEL_NONE;
}
