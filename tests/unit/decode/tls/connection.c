#include "connection.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct bytes read_file(const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, TEST_DATA "/tls/%s.bin", name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    struct bytes bytes = {.len = (size_t)ftell(file)};
    rewind(file);
    bytes.data = malloc(bytes.len + 1);
    assert(bytes.data && fread(bytes.data, 1, bytes.len, file) == bytes.len);
    fclose(file);
    return bytes;
}

static void split_lines(struct connection *connection, struct bytes keys)
{
    while (keys.len > 0) {
        uint8_t *end = memchr(keys.data, '\n', keys.len);
        assert(end && connection->lines_n < CONNECTION_LINES_MAX);
        size_t len = (size_t)(end - keys.data);
        if (keys.data[0] != '#') {
            connection->lines[connection->lines_n++] = (struct bytes){keys.data, len};
        }
        keys.data += len + 1;
        keys.len -= len + 1;
    }
}

static void add_block(struct connection *connection, Mitm__Direction direction, struct bytes bytes)
{
    assert(connection->blocks_n < CONNECTION_BLOCKS_MAX);
    connection->blocks[connection->blocks_n++] = (struct block){direction, bytes};
    connection->wire_bytes += bytes.len;
}

static void add_item(struct connection *connection, uint8_t letter, struct bytes bytes)
{
    switch (letter) {
    case '>':
    case ')':
        add_block(connection, MITM__DIRECTION__TO_SERVER, bytes);
        break;
    case '<':
    case '(':
        add_block(connection, MITM__DIRECTION__TO_CLIENT, bytes);
        break;
    case 'K':
        split_lines(connection, bytes);
        break;
    case 'C':
        connection->sent[0] = bytes;
        break;
    case 'S':
        connection->sent[1] = bytes;
        break;
    default:
        assert(false);
    }
}

struct connection *connection_read(const char *name)
{
    struct connection *connection = calloc(1, sizeof *connection);
    assert(connection);
    connection->file = read_file(name);
    const struct bytes *file = &connection->file;
    for (size_t at = 0; at < file->len;) {
        const uint8_t *head = file->data + at;
        assert(file->len - at >= 5);
        size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
        assert(len <= file->len - at - 5);
        add_item(connection, head[0], (struct bytes){file->data + at + 5, len});
        at += 5 + len;
    }
    return connection;
}

void connection_free(struct connection *connection)
{
    free(connection->file.data);
    free(connection);
}

static int index_of(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

static void flush(struct run *run)
{
    if (run->last_bytes > 0) {
        fprintf(run->out, "feed %c %" PRIu64 " %zu\n", "><"[index_of(run->last)], run -> last_t_ns, run -> last_bytes);
        run->last_bytes = 0;
    }
}

static void on_start(void *ctx, uint64_t t_ns, const uint8_t *alpn, size_t alpn_len)
{
    struct run *run = ctx;
    assert(ftell(run->out) == 0);
    fprintf(run->out, "start %" PRIu64 " %.*s\n", t_ns, alpn ? (int)alpn_len : 1, alpn ? (const char *)alpn : "-");
}

static void on_feed(void *ctx, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct run *run = ctx;
    struct bytes *plain = &run->plain[index_of(direction)];
    assert(len > 0);
    if (run->last != direction || run->last_t_ns != t_ns) {
        flush(run);
    }
    run->last = direction;
    run->last_t_ns = t_ns;
    run->last_bytes += len;
    plain->data = realloc(plain->data, plain->len + len);
    assert(plain->data);
    memcpy(plain->data + plain->len, data, len);
    plain->len += len;
}

static void on_end(void *ctx, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    struct run *run = ctx;
    flush(run);
    run->ends++;
    fprintf(run->out, "end %c %" PRIu64 " %s\n", "><"[index_of(direction)], t_ns,
            event_enum_name(&mitm__end_cause__descriptor, (int)cause));
}

void run_init(struct run *run, bool decrypts)
{
    *run = (struct run){0};
    event_log_init(&run->log);
    run->out = open_memstream(&run->text, &run->text_len);
    assert(run->out);
    const struct tls_plain plain = {.start = on_start, .feed = on_feed, .end = on_end, .ctx = run};
    run->keys = decrypts ? tls_keys_new() : NULL;
    run->tls = tls_new(&run->log.sink, run->keys, decrypts ? &plain : NULL);
}

void run_fini(struct run *run)
{
    if (run->out) {
        fclose(run->out);
    }
    tls_free(run->tls);
    tls_keys_free(run->keys);
    event_log_fini(&run->log);
    free(run->plain[0].data);
    free(run->plain[1].data);
    free(run->text);
}

void run_add_keys(struct run *run, const struct connection *connection, int without)
{
    for (size_t i = 0; i < connection->lines_n; i++) {
        if ((int)i != without) {
            const struct bytes *line = &connection->lines[i];
            assert(tls_keys_add_line(run->keys, (const char *)line->data, line->len) != TLS_KEYS_INVALID);
        }
    }
}

void run_feed(struct run *run, Mitm__Direction direction, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);
    assert(copy);
    memcpy(copy, data, len);
    tls_feed(run->tls, direction, run->t_ns, copy, len);
    free(copy);
}

void run_block(struct run *run, const struct block *block, size_t piece)
{
    const struct bytes *bytes = &block->bytes;
    run->t_ns++;
    if (bytes->len == 0) {
        tls_end(run->tls, block->direction, run->t_ns, MITM__END_CAUSE__FIN);
    }
    for (size_t at = 0; at < bytes->len;) {
        size_t left = bytes->len - at;
        size_t n = piece == 0 || left < piece ? left : piece;
        run_feed(run, block->direction, bytes->data + at, n);
        at += n;
    }
}

void run_blocks(struct run *run, const struct connection *connection, size_t first, size_t end, size_t piece)
{
    for (size_t i = first; i < end; i++) {
        run_block(run, &connection->blocks[i], piece);
    }
}

char *run_text(struct run *run)
{
    flush(run);
    fclose(run->out);
    run->out = NULL;
    char *events = event_log_text(&run->log), *both;
    assert(asprintf(&both, "%s%s", events, run->text) >= 0);
    free(events);
    return both;
}
