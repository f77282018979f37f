/*
 * Answers to HTTP requests, with the header lines that all answers of the view have. An answer ends the request: it
 * must not be used afterwards. Also good for requests whose client has gone.
 */
#ifndef MITM_VIEW_ANSWER_H
#define MITM_VIEW_ANSWER_H

#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

/* Clients that do not take their answers may keep so many bytes of memory in all; then further requests are refused. */
#define ANSWER_MAX_HELD_BYTES 67108864

/* Add the header lines of every answer to the request's. `inlined`: those of a document with its style and images
 * within (report.html), else those of a document that loads them from the view. */
void answer_safe_headers(struct evhttp_request *request, bool inlined);

/* Add a header line. `value` must not hold control characters. */
void answer_header(struct evhttp_request *request, const char *name, const char *value);

/* Have the browser save the answer as `name`, of which only letters, digits, '.', '-' and '_' are taken. */
void answer_save_as(struct evhttp_request *request, const char *name);

/* Answer with `status` and the `len` bytes at `bytes` (malloc'd; taken over), which are of the media type `type`. */
void answer_bytes(struct evhttp_request *request, int status, const char *type, char *bytes, size_t len);

/* The same with bytes that stay: a constant. */
void answer_constant(struct evhttp_request *request, int status, const char *type, const char *bytes, size_t len);

/* Answer with a small page that says `text` (plain, not escaped: a constant), and nothing of the session. */
void answer_error(struct evhttp_request *request, int status, const char *text);

/* Answer 303: the browser loads `location` with GET. */
void answer_redirect(struct evhttp_request *request, const char *location);

#endif
