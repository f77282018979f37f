#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "capture/held.h"

enum { RECORDS = 20 };

static char *seen[RECORDS + 1];
static size_t seen_n;

static char *as_text(const Mitm__Record *record)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    event_print_text(out, record);
    fclose(out);
    return text;
}

static void note(void *ctx, Mitm__Record *record)
{
    cr_assert_null(ctx);
    cr_assert_lt(seen_n, RECORDS);
    seen[seen_n++] = as_text(record);
}

/* Records come back as they were, in their order, once. */
Test(held, records_come_back)
{
    struct held held = {0};
    struct event_arena *arena = event_arena_new();
    struct event_sink sink = {.emit = note};
    char *given[RECORDS];
    uint8_t methods[255] = {0, 2};
    held_release(&held, arena, &sink);
    cr_assert_eq(seen_n, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        EVENT_NEW(record, ev, 1000 * i, SocksMethodsOffered, SOCKS_METHODS_OFFERED, socks_methods_offered);
        EVENT_SET_BYTES(ev, methods, methods, 1 + i * 13);
        if (i % 2)
            EVENT_SET(record, t_slack_ns, 5000000 + i);
        given[i] = as_text(&record);
        held_take(&held, &record);
    }
    held_release(&held, arena, &sink);
    cr_assert_eq(seen_n, RECORDS);
    for (size_t i = 0; i < RECORDS; i++) {
        cr_assert_str_eq(seen[i], given[i]);
        free(seen[i]);
        free(given[i]);
    }
    held_release(&held, arena, &sink);
    cr_assert_eq(seen_n, RECORDS);
    held_drop(&held);
    event_arena_free(arena);
}

Test(held, dropped_records_are_gone)
{
    struct held held = {0};
    struct event_arena *arena = event_arena_new();
    struct event_sink sink = {.emit = note};
    EVENT_NEW(record, ev, 1, ConnectionStart, CONNECTION_START, connection_start);
    ev.client_address = (char *)(uintptr_t) "127.0.0.1";
    held_take(&held, &record);
    held_drop(&held);
    held_release(&held, arena, &sink);
    cr_assert_eq(seen_n, 0);
    event_arena_free(arena);
}
