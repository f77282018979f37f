#include "compare/keys.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyze/url.h"
#include "base/memory.h"

struct keys {
    struct names names;
    size_t **first; /* of each group and session: the index of its first name */
    size_t group_count;
    bool *present; /* id × group */
};

struct builder {
    struct keys *keys;
    struct texts *texts;
    uint32_t group;
};

static void put_text(FILE *out, struct text text)
{
    if (text.len > 0)
        fwrite(text.data, 1, text.len, out);
}

/* Host names are compared without regard to case (RFC 4343). */
static void put_host(FILE *out, struct text host)
{
    for (uint32_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        putc(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c, out);
    }
}

/* Add the name that was written to `out`, whose bytes are at *bytes. */
static void add_written(const struct builder *b, FILE *out, char **bytes, const size_t *len)
{
    if (fclose(out) != 0)
        abort();
    names_add(&b->keys->names, texts_keep(b->texts, *bytes, *len), b->group);
    free(*bytes);
}

static FILE *open_name(char **bytes, size_t *len)
{
    FILE *out = open_memstream(bytes, len);
    if (!out)
        abort();
    return out;
}

static void add_page(const struct builder *b, const struct page *page)
{
    char *bytes;
    size_t len;
    FILE *out = open_name(&bytes, &len);
    if (page->host.data)
        put_host(out, page->host);
    else
        fputs("(unknown)", out);
    if (page->host.data && (page->port != 80 || !page->target.data))
        fprintf(out, ":%" PRIu32, page->port);
    put_text(out, page->target);
    add_written(b, out, &bytes, &len);
}

static void put_server(FILE *out, const struct model_session *session, uint32_t index)
{
    const struct model_server *server = index == MODEL_NO_INDEX ? NULL : model_server(session, index);
    if (!server) {
        fputs("(no request)", out);
        return;
    }
    if (server->kind == MODEL_SERVER_LOOKUP) {
        fputs("(name look-ups)", out);
        return;
    }
    put_host(out, server->host);
    fprintf(out, ":%" PRIu32, server->port);
}

static void add_server(const struct builder *b, const struct model_session *session, uint32_t index)
{
    char *bytes;
    size_t len;
    FILE *out = open_name(&bytes, &len);
    put_server(out, session, index);
    add_written(b, out, &bytes, &len);
}

/* Put where a request was addressed to, in the form of put_server(), whatever protocol it came with. */
static void put_addressee(FILE *out, const struct model_session *session, const struct model_connection *connection,
                          const struct model_exchange *exchange)
{
    if (!exchange->h2 || exchange->h2->authority.len == 0) {
        put_server(out, session, connection->server);
        return;
    }
    struct url_origin origin = url_origin(connection, exchange);
    put_host(out, origin.host);
    fprintf(out, ":%" PRIu32, origin.port);
}

static void add_requests(const struct builder *b, const struct model_session *session)
{
    const struct model_connection **connections = memory_new(session->exchange_count, sizeof *connections);
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        for (const struct model_exchange *x = model_first_exchange(session, c); x; x = model_next_exchange(session, x))
            connections[x - session->exchanges] = c;
    }
    for (size_t i = 0; i < session->exchange_count; i++) {
        const struct model_exchange *x = &session->exchanges[i];
        char *bytes;
        size_t len;
        FILE *out = open_name(&bytes, &len);
        put_text(out, x->method);
        putc(' ', out);
        put_addressee(out, session, connections[i], x);
        put_text(out, x->target);
        add_written(b, out, &bytes, &len);
    }
    free(connections);
}

static void add_session(const struct builder *b, enum keys_kind kind, const struct model_session *session,
                        const struct pages *pages)
{
    switch (kind) {
    case KEYS_PAGE:
        for (size_t i = 0; i < pages_count(pages); i++)
            add_page(b, pages_get(pages, i));
        break;
    case KEYS_SERVER:
        for (size_t i = 0; i < session->server_count; i++)
            add_server(b, session, (uint32_t)i);
        break;
    case KEYS_CONNECTION:
        for (size_t i = 0; i < session->connection_count; i++)
            add_server(b, session, model_connection(session, i)->server);
        break;
    case KEYS_REQUEST:
        add_requests(b, session);
        break;
    }
}

struct keys *keys_new(enum keys_kind kind, const struct compare_group *groups, size_t count, struct texts *texts)
{
    struct keys *keys = memory_new(1, sizeof *keys);
    keys->first = memory_new(count, sizeof *keys->first);
    keys->group_count = count;
    for (size_t g = 0; g < count; g++) {
        size_t sessions = model_session_count(groups[g].model);
        keys->first[g] = memory_new(sessions, sizeof *keys->first[g]);
        const struct builder b = {keys, texts, (uint32_t)g};
        for (size_t s = 0; s < sessions; s++) {
            keys->first[g][s] = keys->names.count;
            add_session(&b, kind, model_session(groups[g].model, s), groups[g].pages[s]);
        }
    }
    names_finish(&keys->names);
    keys->present = memory_new(keys->names.distinct_count * count, sizeof *keys->present);
    for (size_t i = 0; i < keys->names.count; i++)
        keys->present[keys->names.names[i].id * count + keys->names.names[i].group] = true;
    return keys;
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    for (size_t g = 0; g < keys->group_count; g++)
        free(keys->first[g]);
    free(keys->first);
    free(keys->present);
    names_fini(&keys->names);
    free(keys);
}

const struct name *keys_at(const struct keys *keys, size_t group, size_t session, size_t index)
{
    return &keys->names.names[keys->first[group][session] + index];
}

size_t keys_distinct(const struct keys *keys, const struct text **names)
{
    *names = keys->names.distinct;
    return keys->names.distinct_count;
}

bool keys_present(const struct keys *keys, uint32_t id, size_t group)
{
    return keys->present[id * keys->group_count + group];
}
