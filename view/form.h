/* Forms, as in the query of a URL or the body of a POST (application/x-www-form-urlencoded, URL standard, 5.1). */
#ifndef MITM_VIEW_FORM_H
#define MITM_VIEW_FORM_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>

/*
 * Read `text` into *form, which the caller frees with evhttp_clear_headers() in any case. What has no name or no '=' is
 * left out. Return false if a value holds a NUL or a line break; the others are there then.
 */
bool form_parse(struct evkeyvalq *form, const char *text);

#endif
