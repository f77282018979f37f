/* What values belong to, by name, over all groups: pages, servers, connections, requests. */
#ifndef MITM_COMPARE_KEYS_H
#define MITM_COMPARE_KEYS_H

#include "compare/compare.h"
#include "compare/names.h"

enum keys_kind {
    KEYS_PAGE,       /* host, port and target of the page; one for each page load */
    KEYS_SERVER,     /* host and port; one for each server of a session */
    KEYS_CONNECTION, /* the same; one for each connection */
    KEYS_REQUEST     /* method, host, port and target; one for each exchange */
};

struct keys;

/* Name all things of a kind in the groups. Texts are kept in `texts`, which must outlive the result; free it with
 * keys_free(). */
struct keys *keys_new(enum keys_kind kind, const struct compare_group *groups, size_t count, struct texts *texts);
void keys_free(struct keys *keys);

/* Return the name of the thing number `index` of a session: a page (its number - 1), server, connection, exchange. */
const struct name *keys_at(const struct keys *keys, size_t group, size_t session, size_t index);

/* Return the distinct names, in the order of first appearance, and their number. */
size_t keys_distinct(const struct keys *keys, const struct text **names);

/* Return whether the name `id` occurs in the group. */
bool keys_present(const struct keys *keys, uint32_t id, size_t group);

#endif
