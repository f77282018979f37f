#include "report/selection.h"

#include "base/memory.h"

/* Return whether a period overlaps the times asked for; MODEL_NONE as its end: it goes on. */
static bool in_time(const struct report_query *query, int64_t from_ns, int64_t to_ns)
{
    if (query->to_ns != MODEL_NONE && from_ns > query->to_ns)
        return false;
    return query->from_ns == MODEL_NONE || to_ns == MODEL_NONE || to_ns >= query->from_ns;
}

/* Return for each server of the session whether it is asked for; the caller frees it. */
static bool *select_servers(const struct selection *selection)
{
    const struct model_session *session = selection->session;
    bool *wanted = memory_new(session->server_count, sizeof *wanted);
    for (size_t i = 0; i < session->server_count; i++)
        wanted[i] =
            !selection->query->server[0] || model_server_named(model_server(session, i), selection->query->server);
    return wanted;
}

static bool is_selected(const struct selection *selection, const bool *servers, size_t index)
{
    const struct report_query *query = selection->query;
    const struct model_connection *connection = model_connection(selection->session, index);
    if (query->connection != 0 && connection->id != query->connection)
        return false;
    if (query->server[0] && (connection->server == MODEL_NO_INDEX || !servers[connection->server]))
        return false;
    int64_t end_ns = model_connection_open(connection) ? MODEL_NONE : connection->last_ns;
    if (!in_time(query, connection->first_ns, end_ns))
        return false;
    return query->page == 0 || (selection->pages && pages_has_connection(selection->pages, query->page, index));
}

void selection_init(struct selection *selection, const struct model_session *session, const struct pages *pages,
                    const struct report_query *query)
{
    *selection = (struct selection){.session = session, .pages = pages, .query = query};
    selection->connections = memory_new(session->connection_count, sizeof *selection->connections);
    bool *servers = select_servers(selection);
    size_t known =
        query->known > 0 && query->known < session->connection_count ? query->known : session->connection_count;
    for (size_t i = 0; i < known; i++) {
        if (is_selected(selection, servers, i))
            selection->connections[selection->count++] = (uint32_t)i;
    }
    free(servers);
    selection->part_count = (selection->count + REPORT_PART_CONNECTIONS - 1) / REPORT_PART_CONNECTIONS;
    if (selection->part_count == 0)
        selection->part_count = 1;
}

void selection_fini(struct selection *selection)
{
    free(selection->connections);
}

size_t selection_part(const struct selection *selection)
{
    size_t part = selection->query->part;
    if (part == 0)
        return 1;
    return part > selection->part_count ? selection->part_count : part;
}

size_t selection_part_size(const struct selection *selection, size_t part, size_t *first)
{
    size_t before = (part - 1) * REPORT_PART_CONNECTIONS;
    size_t left = selection->count - before;
    *first = left == 0 ? 0 : left - 1;
    return left < REPORT_PART_CONNECTIONS ? left : REPORT_PART_CONNECTIONS;
}

void selection_mark(const struct selection *selection, size_t part, bool *shown)
{
    size_t first, n = selection_part_size(selection, part, &first);
    memset(shown, 0, selection->session->connection_count * sizeof *shown);
    for (size_t i = 0; i < n; i++)
        shown[selection->connections[first - i]] = true;
}

bool selection_has_exchange(const struct selection *selection, const struct model_exchange *exchange)
{
    const struct report_query *query = selection->query;
    if (query->page != 0 &&
        pages_of_exchange(selection->pages, (size_t)(exchange - selection->session->exchanges)) != query->page)
        return false;
    const struct model_message *request = &exchange->request, *response = &exchange->response;
    int64_t from_ns = request->start_ns != MODEL_NONE ? request->start_ns : response->start_ns;
    return from_ns == MODEL_NONE || in_time(query, from_ns, response->end_ns);
}
