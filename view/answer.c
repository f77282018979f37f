#include "view/answer.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_END "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

static const char policy[] = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
                             "connect-src 'self'" POLICY_END;
static const char inlined_policy[] = "default-src 'none'; img-src data:; style-src 'unsafe-inline'" POLICY_END;

static size_t held_bytes; /* of answers that clients have not taken yet */

void answer_header(struct evhttp_request *request, const char *name, const char *value)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_remove_header(headers, name);
    if (evhttp_add_header(headers, name, value) != 0)
        abort();
}

void answer_safe_headers(struct evhttp_request *request, bool inlined)
{
    answer_header(request, "Content-Security-Policy", inlined ? inlined_policy : policy);
    answer_header(request, "X-Content-Type-Options", "nosniff");
    answer_header(request, "Referrer-Policy", "no-referrer");
    answer_header(request, "Cross-Origin-Resource-Policy", "same-origin");
    answer_header(request, "Cross-Origin-Opener-Policy", "same-origin");
    answer_header(request, "Cache-Control", "no-store");
}

void answer_save_as(struct evhttp_request *request, const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    char safe[128], value[192];
    size_t n = 0;
    for (const char *p = name; *p && n < sizeof safe - 1; p++)
        safe[n++] = strchr(plain, *p) ? *p : '_';
    safe[n] = '\0';
    snprintf(value, sizeof value, "attachment; filename=\"%s\"", safe[0] == '.' ? safe + 1 : safe);
    answer_header(request, "Content-Disposition", value);
}

static void release(const void *bytes, size_t len, void *ctx)
{
    (void)bytes;
    held_bytes -= len;
    free(ctx);
}

/* Send `body`, or (HEAD) only say how long it is. */
static void deliver(struct evhttp_request *request, int status, const char *type, struct evbuffer *body)
{
    char length[32];
    snprintf(length, sizeof length, "%zu", evbuffer_get_length(body));
    answer_header(request, "Content-Type", type);
    answer_header(request, "Content-Length", length);
    bool head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
    evhttp_send_reply(request, status, NULL, head ? NULL : body);
    evbuffer_free(body);
}

static struct evbuffer *new_buffer(void)
{
    struct evbuffer *buffer = evbuffer_new();
    if (!buffer)
        abort();
    return buffer;
}

void answer_bytes(struct evhttp_request *request, int status, const char *type, char *bytes, size_t len)
{
    if (held_bytes + len > ANSWER_MAX_HELD_BYTES && held_bytes > 0) {
        free(bytes);
        answer_error(request, 503, "Too many answers have not been taken yet. Try again.");
        return;
    }
    struct evbuffer *body = new_buffer();
    held_bytes += len;
    if (evbuffer_add_reference(body, bytes, len, release, bytes) != 0)
        abort();
    deliver(request, status, type, body);
}

void answer_constant(struct evhttp_request *request, int status, const char *type, const char *bytes, size_t len)
{
    struct evbuffer *body = new_buffer();
    if (evbuffer_add_reference(body, bytes, len, NULL, NULL) != 0)
        abort();
    deliver(request, status, type, body);
}

void answer_error(struct evhttp_request *request, int status, const char *text)
{
    struct evbuffer *body = new_buffer();
    answer_safe_headers(request, false);
    evbuffer_add_printf(body,
                        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%d</title></head>"
                        "<body><p>%s</p></body></html>\n",
                        status, text);
    deliver(request, status, "text/html; charset=utf-8", body);
}

void answer_redirect(struct evhttp_request *request, const char *location)
{
    answer_header(request, "Location", location);
    answer_error(request, 303, "See there.");
}
