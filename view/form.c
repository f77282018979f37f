#include "view/form.h"

#include <stdlib.h>
#include <string.h>

/* Add the piece "name=value" of `len` characters. */
static bool add_piece(struct evkeyvalq *form, const char *piece, size_t len)
{
    const char *equals = memchr(piece, '=', len);
    if (!equals || equals == piece)
        return true;
    char *name = strndup(piece, (size_t)(equals - piece));
    char *encoded = strndup(equals + 1, len - (size_t)(equals + 1 - piece));
    size_t value_len;
    char *value = encoded ? evhttp_uridecode(encoded, 1, &value_len) : NULL;
    if (!name || !value)
        abort();
    bool added = strlen(value) == value_len && evhttp_add_header(form, name, value) == 0;
    free(name);
    free(encoded);
    free(value);
    return added;
}

bool form_parse(struct evkeyvalq *form, const char *text)
{
    bool good = true;
    *form = (struct evkeyvalq){0};
    form->tqh_last = &form->tqh_first;
    while (*text) {
        size_t len = strcspn(text, "&");
        good &= add_piece(form, text, len);
        text += len + (text[len] == '&');
    }
    return good;
}
