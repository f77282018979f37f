#include "connection.h"

#include <assert.h>
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

void run_add_keys(struct run *run, const struct connection *connection, int without)
{
    for (size_t i = 0; i < connection->lines_n; i++) {
        if ((int)i != without) {
            const struct bytes *line = &connection->lines[i];
            assert(tls_keys_add_line(run->keys, (const char *)line->data, line->len) != TLS_KEYS_INVALID);
        }
    }
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
