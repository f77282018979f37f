/* The query of a report's URL; see report/report.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cli.h"
#include "report/html.h"
#include "report/report.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode the `len` characters at `from` into `to`, which has room for `size`. Return false if they do not fit, or hold
 * a NUL. */
static bool decode(char *to, size_t size, const char *from, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = from[i] == '+' ? ' ' : from[i];
        if (c == '%' && i + 2 < len && hex_digit(from[i + 1]) >= 0 && hex_digit(from[i + 2]) >= 0) {
            c = (char)(hex_digit(from[i + 1]) * 16 + hex_digit(from[i + 2]));
            i += 2;
        }
        if (c == '\0' || n + 1 >= size)
            return false;
        to[n++] = c;
    }
    to[n] = '\0';
    return true;
}

/* Read a whole number 1 … max; return false if `word` is none. */
static bool read_number(const char *word, uint64_t max, uint64_t *number)
{
    return cli_number(word, max, number) && *number > 0;
}

static const char *set_time(int64_t *t_ns, const char *value)
{
    int64_t ns;
    if (!cli_seconds(value, &ns))
        return "from and to are numbers of seconds, such as 1.5";
    *t_ns = ns;
    return NULL;
}

static const char *set_headers(int *headers, const char *value)
{
    static const char *const words[] = {"", "first", "all"};
    return cli_choice(value, words, sizeof words / sizeof *words, headers) ? NULL : "headers is first or all";
}

/* Set the member `name` of *query from `value`. Return NULL, or what the value should be. */
static const char *set_member(struct report_query *query, const char *name, const char *value)
{
    uint64_t number;
    if (*value == '\0') /* a field of the form that was left empty */
        return NULL;
    if (strcmp(name, "from") == 0)
        return set_time(&query->from_ns, value);
    if (strcmp(name, "to") == 0)
        return set_time(&query->to_ns, value);
    if (strcmp(name, "headers") == 0)
        return set_headers(&query->headers, value);
    if (strcmp(name, "server") == 0) {
        if (strlen(value) >= sizeof query->server)
            return "server is a host or host:port of less than 300 characters";
        strcpy(query->server, value);
    } else if (strcmp(name, "page") == 0) {
        if (!read_number(value, UINT32_MAX, &number))
            return "page is the number of a page: 1, 2, 3 …";
        query->page = (uint32_t)number;
    } else if (strcmp(name, "connection") == 0) {
        if (!read_number(value, UINT32_MAX, &number))
            return "connection is the number of a connection: 1, 2, 3 …";
        query->connection = (uint32_t)number;
    } else if (strcmp(name, "part") == 0) {
        if (!read_number(value, MODEL_MAX_CONNECTIONS, &number))
            return "part is the number of a part of the list: 1, 2, 3 …";
        query->part = (size_t)number;
    } else if (strcmp(name, "known") == 0) {
        if (!read_number(value, MODEL_MAX_SESSIONS, &number))
            return "known is a number of connections: 1, 2, 3 …";
        query->known = (size_t)number;
    } else if (strcmp(name, "session") == 0) {
        if (!read_number(value, MODEL_MAX_SESSIONS, &number))
            return "session is the number of a session of the file: 1, 2, 3 …";
        query->session = (size_t)number;
    } else if (strcmp(name, "refresh") == 0) {
        if (!read_number(value, 86400, &number))
            return "refresh is a number of seconds from 1 to 86400";
        query->refresh_s = (unsigned)number;
    }
    return NULL;
}

/* Take in the piece "name=value" of `len` characters. */
static const char *take(struct report_query *query, const char *piece, size_t len)
{
    char name[16], value[1024];
    const char *equals = memchr(piece, '=', len);
    size_t name_len = equals ? (size_t)(equals - piece) : len;
    if (!equals || !decode(name, sizeof name, piece, name_len))
        return NULL; /* none of our names */
    if (!decode(value, sizeof value, equals + 1, len - name_len - 1))
        strcpy(value, "\x01"); /* no value that any name can have, but server */
    if (value[0] == '\x01' && strcmp(name, "server") == 0)
        return "server is a host or host:port of less than 300 characters";
    return set_member(query, name, value);
}

const char *report_query_parse(struct report_query *query, const char *text)
{
    *query = (struct report_query){.from_ns = MODEL_NONE, .to_ns = MODEL_NONE};
    const char *problem = NULL;
    while (text && *text) {
        size_t len = strcspn(text, "&");
        const char *wrong = take(query, text, len);
        problem = problem ? problem : wrong;
        text += len + (text[len] == '&');
    }
    if (query->from_ns != MODEL_NONE && query->to_ns != MODEL_NONE && query->to_ns <= query->from_ns) {
        query->from_ns = query->to_ns = MODEL_NONE;
        problem = problem ? problem : "to must be later than from";
    }
    return problem;
}

void report_seconds_print(FILE *out, int64_t t_ns)
{
    enum { SECOND = 1000000000 };
    char digits[16];
    fprintf(out, "%" PRId64, t_ns / SECOND);
    int n = snprintf(digits, sizeof digits, ".%09" PRId64, t_ns % SECOND);
    while (n > 0 && digits[n - 1] == '0')
        n--;
    if (n > 1)
        fprintf(out, "%.*s", n, digits);
}

/* Print "name=" with '&' before it unless it is the first. */
static void begin_member(FILE *out, const char *name, bool *first)
{
    fprintf(out, "%s%s=", *first ? "" : "&", name);
    *first = false;
}

static void print_number(FILE *out, const char *name, uint64_t number, bool *first)
{
    if (number == 0)
        return;
    begin_member(out, name, first);
    fprintf(out, "%" PRIu64, number);
}

void report_query_print(FILE *out, const struct report_query *query)
{
    bool first = true;
    print_number(out, "session", query->session, &first);
    if (query->from_ns != MODEL_NONE) {
        begin_member(out, "from", &first);
        report_seconds_print(out, query->from_ns);
    }
    if (query->to_ns != MODEL_NONE) {
        begin_member(out, "to", &first);
        report_seconds_print(out, query->to_ns);
    }
    if (query->server[0]) {
        begin_member(out, "server", &first);
        html_url(out, query->server, strlen(query->server));
    }
    print_number(out, "page", query->page, &first);
    print_number(out, "connection", query->connection, &first);
    print_number(out, "known", query->known, &first);
    print_number(out, "part", query->part > 1 ? query->part : 0, &first);
    if (query->headers != 0) {
        begin_member(out, "headers", &first);
        fputs(query->headers == 1 ? "first" : "all", out);
    }
    print_number(out, "refresh", query->refresh_s, &first);
}
