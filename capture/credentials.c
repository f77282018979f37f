#include "capture/credentials.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    uint32_t number;
    size_t len;
    uint8_t message[];
};

struct credentials {
    void *tree; /* of struct pair: tsearch(3) */
    uint32_t n;
};

static int compare(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->message, y->message, x->len);
}

struct credentials *credentials_new(void)
{
    struct credentials *credentials = calloc(1, sizeof *credentials);
    if (!credentials)
        abort();
    return credentials;
}

void credentials_free(struct credentials *credentials)
{
    if (!credentials)
        return;
    tdestroy(credentials->tree, free);
    free(credentials);
}

uint32_t credentials_number(struct credentials *credentials, const uint8_t *message, size_t len)
{
    struct pair *pair = malloc(sizeof *pair + len);
    if (!pair)
        abort();
    pair->len = len;
    memcpy(pair->message, message, len);
    struct pair *const *found = credentials->n < CREDENTIALS_MAX ? tsearch(pair, &credentials->tree, compare)
                                                                 : tfind(pair, &credentials->tree, compare);
    if (found && *found == pair) {
        pair->number = ++credentials->n;
        return pair->number;
    }
    free(pair);
    return found ? (*found)->number : 0;
}
