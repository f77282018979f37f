#include "capture/decode/head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <llhttp/llhttp.h>

#include "capture/decode/excerpt.h"
#include "capture/decode/grow.h"

/* Room in the excerpt of the start line for what is not target or reason: method, spaces, version. */
#define LINE_EXTRA 64
/* Room for fields at first. */
#define FIELDS_FIRST 16
/* What llhttp is shown before a trailer section, so that it reads header fields. */
#define TRAILERS_LEAD "GET / HTTP/1.1\r\n"

/* Where a field lies in the excerpt of its section. */
struct field {
    uint32_t name, name_len;
    uint32_t value, value_len;
};

/* A stretch of the direction's bytes; `end` is 0 while there is none. */
struct stretch {
    uint64_t start, end;
};

struct head {
    llhttp_t parser;
    enum head_kind kind;
    bool has_line;
    bool has_section;
    const struct piece *piece;  /* being read */
    struct excerpt line;        /* the start line's bytes */
    struct excerpt section;     /* the fields' bytes, from the first one on */
    struct stretch text;        /* target or reason */
    uint64_t version;           /* offset of the digits of the version */
    struct stretch name, value; /* of the field being read */
    const char *refused;        /* why we refused it ourselves */
    uint32_t fields_n, fields_room, omitted;
    struct field *fields;
};

static uint64_t offset_of(const struct head *head, const char *at)
{
    return head->piece->offset + (uint64_t)((const uint8_t *)at - head->piece->data);
}

/* llhttp reports a stretch in parts: one for each piece, and for a value one for each folded line. */
static void stretch_add(struct stretch *stretch, uint64_t start, size_t len)
{
    if (stretch->end == 0) {
        stretch->start = start;
    }
    stretch->end = start + len;
}

/* Stop in a callback, for a reason that llhttp does not know. */
static int refuse(struct head *head, const char *detail)
{
    head->refused = detail;
    return HPE_USER;
}

static int on_text(llhttp_t *parser, const char *at, size_t len)
{
    struct head *head = parser->data;
    if (head->kind != HEAD_TRAILERS) {
        stretch_add(&head->text, offset_of(head, at), len);
    }
    return 0;
}

static int on_url_complete(llhttp_t *parser)
{
    /* So llhttp marks a request line without version. */
    bool old = parser->http_major == 0 && parser->http_minor == 9;
    return old ? refuse(parser->data, "Request line without version (HTTP/0.9)") : 0;
}

static int on_version(llhttp_t *parser, const char *at, size_t len)
{
    struct head *head = parser->data;
    (void)len;
    if (head->version == 0 && head->kind != HEAD_TRAILERS) {
        head->version = offset_of(head, at);
    }
    return 0;
}

/* Return whether the version is that of HTTP. llhttp takes RTSP/ and ICE/ too; behind a longer target that stays
 * unseen. */
static bool protocol_is_http(struct head *head)
{
    uint64_t end = head->version - head->line.start;
    return end > head->line.max || memcmp(excerpt_bytes(&head->line, head->piece) + end - 5, "HTTP/", 5) == 0;
}

static int on_version_complete(llhttp_t *parser)
{
    struct head *head = parser->data;
    if (head->kind == HEAD_TRAILERS) {
        return 0;
    }
    if (!protocol_is_http(head) || parser->http_major != 1) {
        return refuse(head, "Not a version of HTTP/1");
    }
    if (head->kind == HEAD_REQUEST) {
        excerpt_close(&head->line, head->version);
        head->has_line = true;
    }
    return 0;
}

static int on_status_complete(llhttp_t *parser)
{
    struct head *head = parser->data;
    if (parser->status_code < 100) {
        return refuse(head, "Not a status code");
    }
    excerpt_close(&head->line, head->text.end != 0 ? head->text.end : head->version);
    head->has_line = true;
    return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
    struct head *head = parser->data;
    uint64_t offset = offset_of(head, at);
    if (!head->has_section) {
        excerpt_init(&head->section, offset, HEAD_MAX_FIELD_BYTES);
        head->has_section = true;
    }
    stretch_add(&head->name, offset, len);
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct head *head = parser->data;
    stretch_add(&head->value, offset_of(head, at), len);
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    struct head *head = parser->data;
    uint64_t base = head->section.start;
    uint64_t value_len = head->value.end - head->value.start;
    uint64_t end = value_len != 0 ? head->value.end : head->name.end;
    if (end - base > head->section.max) {
        head->omitted += head->omitted < UINT32_MAX;
    } else {
        uint32_t need = head->fields ? head->fields_n + 1 : FIELDS_FIRST;
        head->fields = grow(head->fields, &head->fields_room, need, sizeof *head->fields);
        head->fields[head->fields_n++] = (struct field){.name = (uint32_t)(head->name.start - base),
                                                        .name_len = (uint32_t)(head->name.end - head->name.start),
                                                        .value = (uint32_t)(head->value.start - base),
                                                        .value_len = (uint32_t)value_len};
        if (head->fields_n == HEAD_MAX_FIELDS) {
            excerpt_close(&head->section, end);
        }
    }
    head->name.end = 0;
    head->value.end = 0;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_text,
    .on_url_complete = on_url_complete,
    .on_status = on_text,
    .on_version = on_version,
    .on_version_complete = on_version_complete,
    .on_status_complete = on_status_complete,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_complete,
};

struct head *head_new(enum head_kind kind, uint64_t offset)
{
    struct head *head = grow_new(1, sizeof *head);
    llhttp_init(&head->parser, kind == HEAD_RESPONSE ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    head->parser.data = head;
    head->parser.lenient_flags =
        LENIENT_HEADERS | LENIENT_CHUNKED_LENGTH | LENIENT_KEEP_ALIVE | LENIENT_TRANSFER_ENCODING | LENIENT_VERSION;
    head->kind = kind;
    if (kind == HEAD_TRAILERS) {
        llhttp_errno_t error = llhttp_execute(&head->parser, TRAILERS_LEAD, sizeof TRAILERS_LEAD - 1);
        assert(error == HPE_OK);
        (void)error;
    } else {
        excerpt_init(&head->line, offset, LINE_EXTRA + (kind == HEAD_REQUEST ? HEAD_MAX_TARGET : HEAD_MAX_REASON));
    }
    return head;
}

void head_free(struct head *head)
{
    if (head) {
        excerpt_fini(&head->line);
        excerpt_fini(&head->section);
        free(head->fields);
        free(head);
    }
}

static Mitm__ViolationKind kind_of(const struct head *head, llhttp_errno_t error)
{
    if (!head->has_line && head->kind != HEAD_TRAILERS) {
        return MITM__VIOLATION_KIND__HTTP_START_LINE;
    }
    bool framing = error == HPE_UNEXPECTED_CONTENT_LENGTH || error == HPE_INVALID_CONTENT_LENGTH ||
                   error == HPE_INVALID_TRANSFER_ENCODING;
    return framing ? MITM__VIOLATION_KIND__HTTP_FRAMING : MITM__VIOLATION_KIND__HTTP_HEADER;
}

enum head_result head_read(struct head *head, const struct piece *piece, size_t *used, struct head_error *error)
{
    const char *data = (const char *)piece->data;
    head->piece = piece;
    llhttp_errno_t result = llhttp_execute(&head->parser, data, piece->len);
    if (result == HPE_OK) {
        if (head->kind != HEAD_TRAILERS) {
            excerpt_keep(&head->line, piece);
        }
        if (head->has_section) {
            excerpt_keep(&head->section, piece);
        }
        return HEAD_MORE;
    }
    uint64_t offset = offset_of(head, llhttp_get_error_pos(&head->parser));
    if (result == HPE_PAUSED) {
        *used = (size_t)(offset - piece->offset);
        return HEAD_COMPLETE;
    }
    const char *detail = head->refused ? head->refused : llhttp_get_error_reason(&head->parser);
    *error = (struct head_error){.kind = kind_of(head, result), .offset = offset, .detail = detail};
    return HEAD_INVALID;
}

bool head_has_line(const struct head *head)
{
    return head->has_line;
}

void head_get_line(struct head *head, const struct piece *piece, struct head_line *line)
{
    uint64_t len = head->text.end != 0 ? head->text.end - head->text.start : 0;
    uint64_t start = head->text.end != 0 ? head->text.start - head->line.start : 0;
    uint64_t max = start < head->line.max ? head->line.max - start : 0;
    uint64_t limit = head->kind == HEAD_REQUEST ? HEAD_MAX_TARGET : HEAD_MAX_REASON;
    max = max < limit ? max : limit;
    const char *method = llhttp_method_name(head->parser.method);
    *line = (struct head_line){
        .method = method,
        .method_len = strlen(method),
        .text = excerpt_bytes(&head->line, piece) + (max != 0 ? start : 0),
        .text_len = (size_t)(len < max ? len : max),
        .text_omitted = len < max ? 0 : len - max,
        .version = {(char)('0' + head->parser.http_major), '.', (char)('0' + head->parser.http_minor), 0},
        .status = head->parser.status_code,
    };
}

/* Return the length of the value without the white space (also folds) at its end (RFC 9110, 5.5). */
static size_t trimmed(const uint8_t *value, size_t len)
{
    while (len > 0 &&
           (value[len - 1] == ' ' || value[len - 1] == '\t' || value[len - 1] == '\r' || value[len - 1] == '\n')) {
        len--;
    }
    return len;
}

void head_get_fields(struct head *head, const struct piece *piece, struct head_fields *fields)
{
    fields->n = head->fields_n;
    fields->omitted = head->omitted;
    const uint8_t *base = head->fields_n > 0 ? excerpt_bytes(&head->section, piece) : NULL;
    for (size_t i = 0; i < head->fields_n; i++) {
        const struct field *field = &head->fields[i];
        Mitm__Header *header = &fields->storage[i];
        *header = (Mitm__Header)MITM__HEADER__INIT;
        EVENT_SET_BYTES(*header, name, base + field->name, field->name_len);
        EVENT_SET_BYTES(*header, value, base + field->value, trimmed(base + field->value, field->value_len));
        fields->fields[i] = header;
    }
}

/* Return whether the comma-separated list `value` has the member `word`, without regard to case. */
static bool lists(const ProtobufCBinaryData *value, const char *word)
{
    const char *text = (const char *)value->data;
    for (size_t at = 0; at < value->len;) {
        size_t end = at;
        while (end < value->len && text[end] != ',')
            end++;
        size_t from = at, len;
        while (from < end && (text[from] == ' ' || text[from] == '\t'))
            from++;
        len = trimmed(value->data + from, end - from);
        if (len == strlen(word) && strncasecmp(text + from, word, len) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

bool head_upgrades_to(struct head *head, const struct piece *piece, const char *protocol)
{
    static const char name[] = "upgrade";
    struct head_fields fields;
    head_get_fields(head, piece, &fields);
    for (size_t i = 0; i < fields.n; i++) {
        const Mitm__Header *field = fields.fields[i];
        if (field->name.len == sizeof name - 1 &&
            strncasecmp((const char *)field->name.data, name, sizeof name - 1) == 0 && lists(&field->value, protocol))
            return true;
    }
    return false;
}

struct head_framing head_get_framing(const struct head *head)
{
    const llhttp_t *parser = &head->parser;
    return (struct head_framing){.transfer_encoding = parser->flags & F_TRANSFER_ENCODING,
                                 .chunked = parser->flags & F_CHUNKED,
                                 .content_length = parser->flags & F_CONTENT_LENGTH,
                                 .length = parser->content_length,
                                 .upgrade = parser->upgrade};
}
