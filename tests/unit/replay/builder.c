#include "builder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void builder_fini(struct builder *builder)
{
    free(builder->data);
}

void builder_add(struct builder *builder, Mitm__Record *record)
{
    record->has_session = true;
    record->session = builder->session;
    size_t size = event_encoded_size(record);
    if (builder->len + size > builder->capacity) {
        builder->capacity = (builder->len + size) * 2;
        builder->data = realloc(builder->data, builder->capacity);
        assert(builder->data);
    }
    size_t len = event_encode(record, builder->data + builder->len);
    assert(len > 0 && builder->count < BUILDER_RECORDS);
    builder->len += len;
    builder->ends[builder->count++] = builder->len;
    builder->session_count++;
}

void builder_start(struct builder *builder)
{
    EVENT_NEW(record, ev, 0, SessionStart, SESSION_START, session_start);
    ev.magic = (char[]){"MITM session"};
    EVENT_SET(ev, format_version, 1);
    builder->session_count = 0;
    builder_add(builder, &record);
}

void builder_end(struct builder *builder, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, SessionEnd, SESSION_END, session_end);
    EVENT_SET(ev, cause, MITM__SESSION_END_CAUSE__SIGNAL);
    EVENT_SET(ev, records, builder->session_count + 1);
    builder_add(builder, &record);
}

static void add_opaque(struct builder *builder, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, OpaqueData, OPAQUE_DATA, opaque_data);
    record.has_connection = true;
    record.connection = 1;
    EVENT_SET(ev, direction, MITM__DIRECTION__TO_CLIENT);
    EVENT_SET(ev, len_bytes, t_ns);
    builder_add(builder, &record);
}

static void add_violation(struct builder *builder, uint64_t t_ns, size_t len)
{
    char detail[256];
    memset(detail, 'x', sizeof detail);
    detail[len % (sizeof detail - 1)] = '\0';
    EVENT_NEW(record, ev, t_ns, Violation, VIOLATION, violation);
    record.has_connection = true;
    record.connection = 1;
    ev.detail = detail;
    builder_add(builder, &record);
}

void builder_fill(struct builder *builder, size_t n)
{
    for (size_t i = 1; i <= n; i++) {
        if (i % 3 == 0)
            add_violation(builder, i * 1000000, i * 7);
        else
            add_opaque(builder, i * 1000000);
    }
}

size_t builder_whole(const struct builder *builder, size_t len)
{
    size_t n = 0;
    while (n < builder->count && builder->ends[n] <= len)
        n++;
    return n;
}

char *builder_file(const void *data, size_t len)
{
    char *path = strdup("/tmp/mitm-test-XXXXXX");
    int fd = path ? mkstemp(path) : -1;
    assert(fd >= 0);
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, (const uint8_t *)data + done, len - done);
        assert(n > 0);
        done += (size_t)n;
    }
    close(fd);
    return path;
}
