/* Recorded TLS connections, however they are cut and whenever their keys come: see tls/record.py, tls/rfc8448.py. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tls/connection.h"

/* What openssl was told to do, and so what has to be seen. */
struct fact {
    const char *name;
    const char *hello;     /* of the TlsServerHello */
    const char *end;       /* of the last TlsHandshakeEnd */
    const char *start;     /* of the plaintext: the ALPN; NULL: there is none */
    const char *retry;     /* of the TlsHelloRetryRequest; NULL: there is none */
    const char *lines[4];  /* others that must be there */
    const char *absent[2]; /* and some that must not */
};

#define ALPN    " alpn=\"http/1.1\""
#define NOTIFY  " TlsAlert > 1 0\n", " TlsAlert < 1 0\n"
#define GROUPS  "groups=001d,0017,001e,0019,0018"
#define NO_MORE " TlsDecryption DECRYPTION_FAILED", " TlsAlert > encrypted"

static const struct fact facts[] = {
    {"rfc8448",
     "0304 1301 group=001d resumed=0",
     " resumed=0",
     "-",
     NULL,
     {NOTIFY, " TlsClientHello 196 \"server\" versions=0304 suites=1301,1303,1302 "
              "groups=001d,0017,0018,0019,0100,0101,0102,0103,0104\n"},
     {NO_MORE}},
    {"13_aes128", "0304 1301 group=001d resumed=0", " resumed=0" ALPN, "http/1.1", NULL, {NOTIFY}, {NO_MORE}},
    {"13_aes256", "0304 1302 group=001d resumed=0", " resumed=0" ALPN, "http/1.1", NULL, {NOTIFY}, {NO_MORE}},
    {"13_chacha", "0304 1303 group=001d resumed=0", " resumed=0" ALPN, "http/1.1", NULL, {NOTIFY}, {NO_MORE}},
    {"13_retry",
     "0304 1302 group=0018 resumed=0",
     " resumed=0" ALPN,
     "http/1.1",
     "1302 group=0018",
     {NOTIFY, "groups=001d,0018\n"},
     {NO_MORE}},
    {"13_padded", "0304 1302 group=001d resumed=0", " resumed=0" ALPN, "http/1.1", NULL, {NOTIFY}, {NO_MORE}},
    {"13_key_update", "0304 1302 group=001d resumed=0", " resumed=0", "-", NULL, {NOTIFY}, {NO_MORE}},
    {"13_resumed", "0304 1302 group=001d resumed=1", " resumed=1", "-", NULL, {NOTIFY, " resumption\n"}, {NO_MORE}},
    {"13_early_accepted",
     "0304 1301 group=001d resumed=1",
     " resumed=1 early=1",
     "-",
     NULL,
     {NOTIFY, " resumption early\n", " early\n* - TlsData <"},
     {NO_MORE}},
    {"13_early_accepted_chacha",
     "0304 1303 group=001d resumed=1",
     " resumed=1 early=1",
     "-",
     NULL,
     {NOTIFY, " resumption early\n"},
     {NO_MORE}},
    {"13_early_rejected",
     "0304 1302 group=001d resumed=0",
     " resumed=0 early=0",
     "-",
     NULL,
     {NOTIFY, " resumption early\n"},
     {NO_MORE}},
    {"13_early_retry",
     "0304 1302 group=0018 resumed=0",
     " resumed=0 early=0",
     "-",
     "1302 group=0018",
     {NOTIFY, " resumption early\n", " resumption\n"},
     {NO_MORE}},
    {"12_aes128",
     "0303 c02b" ALPN,
     " group=001d resumed=0" ALPN,
     "http/1.1",
     NULL,
     {NOTIFY, " alpn=\"h2\",\"http/1.1\" versions=0303 suites=c02b,00ff " GROUPS "\n"},
     {NO_MORE}},
    {"12_aes256", "0303 c02c" ALPN, " group=001d resumed=0" ALPN, "http/1.1", NULL, {NOTIFY}, {NO_MORE}},
    {"12_chacha", "0303 cca9" ALPN, " group=001d resumed=0" ALPN, "http/1.1", NULL, {NOTIFY}, {NO_MORE}},
    {"12_resumed", "0303 c02b", " resumed=1", "-", NULL, {NOTIFY, " resumption\n"}, {NO_MORE}},
    {"12_cbc",
     "0303 c009" ALPN,
     " group=001d resumed=0" ALPN,
     NULL,
     NULL,
     {" TlsDecryption NOT_SUPPORTED\n", " TlsAlert > encrypted\n", " TlsAlert < encrypted\n"},
     {" DECRYPTED", " TlsAlert > 1"}},
    {"12_renegotiation",
     "0303 c02b",
     " group=001d resumed=0",
     "-",
     NULL,
     {" TlsDecryption NOT_SUPPORTED\n", " TlsAlert > encrypted\n", "end > 8 SESSION_ENDED\nend < 8 SESSION_ENDED\n"},
     {" TlsDecryption DECRYPTION_FAILED", " TlsAlert > 1"}},
    {"alert", NULL, NULL, NULL, NULL, {" TlsAlert < 2 70\n"}, {" TlsDecryption", " TlsAlert >"}},
};

#define FACTS (sizeof facts / sizeof *facts)

/* Return the rest of the last line of `text` with the event `name`, without its end, in `rest`; false: none. */
static bool find_last(const char *text, const char *name, char *rest, size_t size)
{
    const char *last = NULL;
    size_t len = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at += len) {
        last = at;
    }
    if (last) {
        (void)snprintf(rest, size, "%.*s", (int)strcspn(last + len, "\n"), last + len);
    }
    return last;
}

static void expect_rest(const struct fact *fact, const char *text, const char *name, const char *expected)
{
    char rest[256];
    bool found = find_last(text, name, rest, sizeof rest);
    cr_assert_eq(found, expected != NULL, "%s: %s\n%s", fact->name, name, text);
    if (expected) {
        cr_assert_str_eq(rest, expected, "%s: %s\n%s", fact->name, name, text);
    }
}

static void expect_plain(const struct run *run, const struct connection *connection)
{
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(run->plain[i].len, connection->sent[i].len);
        cr_assert(memcmp(run->plain[i].data, connection->sent[i].data, run->plain[i].len) == 0);
    }
}

/* Return the text of a run with the keys known from the beginning, or without a key log. */
static char *whole(const struct connection *connection, bool decrypts, size_t piece)
{
    struct run run;
    run_init(&run, decrypts);
    if (decrypts) {
        run_add_keys(&run, connection, -1);
    }
    run_blocks(&run, connection, 0, connection->blocks_n, piece);
    cr_assert(!tls_waits(run.tls));
    cr_assert_eq(run.log.tls_data[0].len_bytes + run.log.tls_data[1].len_bytes, connection->wire_bytes);
    char *text = run_text(&run);
    run_fini(&run);
    return text;
}

Test(tls, facts)
{
    for (size_t i = 0; i < FACTS; i++) {
        const struct fact *fact = &facts[i];
        struct connection *connection = connection_read(fact->name);
        char *text = whole(connection, true, 0);
        expect_rest(fact, text, " TlsServerHello ", fact->hello);
        expect_rest(fact, text, " TlsHandshakeEnd", fact->end);
        expect_rest(fact, text, " TlsHelloRetryRequest ", fact->retry);
        cr_assert(strstr(text, " \"example.com\"") || strcmp(fact->name, "rfc8448") == 0);
        char rest[256];
        cr_assert_eq(find_last(text, "start ", rest, sizeof rest), fact->start != NULL, "%s", text);
        cr_assert(!fact->start || strcmp(strchr(rest, ' ') + 1, fact->start) == 0, "%s", text);
        for (size_t n = 0; n < 4 && fact->lines[n]; n++) {
            cr_assert(strstr(text, fact->lines[n]), "%s: %s\n%s", fact->name, fact->lines[n], text);
        }
        for (size_t n = 0; n < 2 && fact->absent[n]; n++) {
            cr_assert(!strstr(text, fact->absent[n]), "%s: %s\n%s", fact->name, fact->absent[n], text);
        }
        free(text);
        connection_free(connection);
    }
}

/* Return the time of the line that `name` is in. */
static long time_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    cr_assert(at, "%s in\n%s", name, text);
    while (at > text && at[-1] != '\n') {
        at--;
    }
    return strtol(at, NULL, 10);
}

/* Where Finished cannot be seen, it is found all the same in these connections (session.proto tells the rule). */
Test(tls, inferred_end)
{
    for (size_t i = 0; i < FACTS; i++) {
        if (strncmp(facts[i].hello ? facts[i].hello : "", "0304", 4) != 0) {
            continue;
        }
        struct connection *connection = connection_read(facts[i].name);
        struct run run;
        run_init(&run, true);
        run_add_keys(&run, connection, -1);
        for (size_t block = 0; block < connection->blocks_n; block++) {
            for (size_t at = 0; at < connection->blocks[block].bytes.len; at++) {
                run.t_ns++;
                run_feed(&run, connection->blocks[block].direction, connection->blocks[block].bytes.data + at, 1);
            }
        }
        char *text = run_text(&run);
        cr_assert_eq(time_of(text, " TlsHandshakeEnd inferred"), time_of(text, " TlsHandshakeEnd resumed"));
        free(text);
        run_fini(&run);
        connection_free(connection);
    }
}

static bool is_decrypted(const struct fact *fact)
{
    return fact->start != NULL;
}

Test(tls, plaintext)
{
    for (size_t i = 0; i < FACTS; i++) {
        if (!is_decrypted(&facts[i])) {
            continue;
        }
        struct connection *connection = connection_read(facts[i].name);
        struct run run;
        run_init(&run, true);
        run_add_keys(&run, connection, -1);
        run_blocks(&run, connection, 0, connection->blocks_n, 0);
        expect_plain(&run, connection);
        cr_assert_eq(run.ends, 2);
        run_fini(&run);
        connection_free(connection);
    }
}

/* ---------------------------------------------------------------- cuts */

Test(tls, pieces)
{
    static const size_t pieces[] = {1, 2, 3, 5, 7, 64, 517};
    for (size_t i = 0; i < FACTS; i++) {
        struct connection *connection = connection_read(facts[i].name);
        for (int decrypts = 0; decrypts < 2; decrypts++) {
            char *expected = whole(connection, decrypts, 0);
            for (size_t n = 0; n < sizeof pieces / sizeof *pieces; n++) {
                char *text = whole(connection, decrypts, pieces[n]);
                cr_assert_str_eq(text, expected, "%s in pieces of %zu", facts[i].name, pieces[n]);
                free(text);
            }
            free(expected);
        }
        connection_free(connection);
    }
}

/* Return whether a cut at `at` is near the beginning of a record of `bytes`, or one of a few others. */
static bool worth_a_cut(const struct bytes *bytes, size_t at)
{
    size_t record = 0;
    while (record < bytes->len && record + 7 < at) {
        record += 5 + ((size_t)bytes->data[record + 3] << 8 | bytes->data[record + 4]);
    }
    return (at + 2 >= record && at <= record + 7) || at % 101 == 0;
}

static void cut(const struct connection *connection, size_t block, size_t at, const char *expected)
{
    const struct block *cut_block = &connection->blocks[block];
    struct run run;
    run_init(&run, true);
    run_add_keys(&run, connection, -1);
    run_blocks(&run, connection, 0, block, 0);
    run.t_ns++;
    run_feed(&run, cut_block->direction, cut_block->bytes.data, at);
    run_feed(&run, cut_block->direction, cut_block->bytes.data + at, cut_block->bytes.len - at);
    run_blocks(&run, connection, block + 1, connection->blocks_n, 0);
    char *text = run_text(&run);
    cr_assert_str_eq(text, expected, "block %zu cut at %zu", block, at);
    free(text);
    run_fini(&run);
}

Test(tls, cuts)
{
    for (size_t i = 0; i < FACTS; i++) {
        struct connection *connection = connection_read(facts[i].name);
        char *expected = whole(connection, true, 0);
        for (size_t block = 0; block < connection->blocks_n; block++) {
            for (size_t at = 1; at < connection->blocks[block].bytes.len; at++) {
                if (worth_a_cut(&connection->blocks[block].bytes, at)) {
                    cut(connection, block, at, expected);
                }
            }
        }
        free(expected);
        connection_free(connection);
    }
}

/* Every byte has its own time: plaintext has that of its record's last byte. */
Test(tls, times)
{
    struct connection *connection = connection_read("13_aes128");
    struct run run;
    run_init(&run, true);
    run_add_keys(&run, connection, -1);
    char *expected = NULL;
    size_t size;
    FILE *out = open_memstream(&expected, &size);
    for (size_t block = 0; block < connection->blocks_n; block++) {
        const struct bytes *bytes = &connection->blocks[block].bytes;
        size_t begin = 0, end = 0; /* of the record; none crosses a block's end here */
        for (size_t at = 0; at < bytes->len; at++) {
            if (at == end) {
                begin = end;
                end += 5 + ((size_t)bytes->data[at + 3] << 8 | bytes->data[at + 4]);
                cr_assert(end <= bytes->len);
            }
            run.t_ns++;
            size_t before = run.plain[0].len + run.plain[1].len;
            run_feed(&run, connection->blocks[block].direction, bytes->data + at, 1);
            size_t came = run.plain[0].len + run.plain[1].len - before;
            if (at + 1 < end) {
                cr_assert_eq(came, 0);
            } else if (came > 0) { /* a record has a header, a content type and a tag */
                cr_assert_eq(came, end - begin - 5 - 1 - 16);
                fprintf(out, "feed %c %zu %zu\n", "?><"[connection->blocks[block].direction], (size_t)run.t_ns, came);
            }
        }
    }
    fclose(out);
    expect_plain(&run, connection);
    char *text = run_text(&run);
    const char *feeds = strstr(text, "feed ");
    cr_assert(size > 0 && strncmp(feeds, expected, size) == 0, "%s\n%s", text, expected);
    free(text);
    free(expected);
    run_fini(&run);
    connection_free(connection);
}

/* ---------------------------------------------------------------- keys */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sort the lines of `text`, without those that contain `without`; which event comes first depends on the keys. */
static char *sorted(char *text, const char *without)
{
    char *lines[256], *sorted_text;
    size_t n = 0, size;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strstr(line, without)) {
            cr_assert(n < 256);
            lines[n++] = line;
        }
    }
    qsort(lines, n, sizeof *lines, compare_lines);
    FILE *out = open_memstream(&sorted_text, &size);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s\n", lines[i]);
    }
    fclose(out);
    free(text);
    return sorted_text;
}

/* Whenever the keys come: the same events with the same times, and the plaintext in the same order. */
Test(tls, keys_late)
{
    for (size_t i = 0; i < FACTS; i++) {
        struct connection *connection = connection_read(facts[i].name);
        char *at_once = whole(connection, true, 0);
        char *plain = strdup(strstr(at_once, "start ") ? strstr(at_once, "start ") : "");
        char *events = sorted(at_once, " TlsDecryption ");
        bool ends_early = strstr(plain, "SESSION_ENDED") != NULL; /* at a time that depends on the keys */
        for (size_t when = 0; when <= connection->blocks_n && !ends_early; when++) {
            struct run run;
            run_init(&run, true);
            run_blocks(&run, connection, 0, when, 0);
            run_add_keys(&run, connection, -1);
            cr_assert(!tls_drain(run.tls, run.t_ns));
            run_blocks(&run, connection, when, connection->blocks_n, 0);
            cr_assert(!tls_waits(run.tls));
            char *text = run_text(&run);
            cr_assert_str_eq(strstr(text, "start ") ? strstr(text, "start ") : "", plain);
            text = sorted(text, " TlsDecryption ");
            cr_assert_str_eq(text, events, "%s: keys after %zu blocks", facts[i].name, when);
            free(text);
            run_fini(&run);
        }
        free(events);
        free(plain);
        connection_free(connection);
    }
}

/* The keys come line by line, one after each block. */
Test(tls, keys_one_by_one)
{
    for (size_t i = 0; i < FACTS; i++) {
        struct connection *connection = connection_read(facts[i].name);
        struct run run;
        run_init(&run, true);
        for (size_t n = 0; n < connection->blocks_n || n < connection->lines_n; n++) {
            if (n < connection->blocks_n) {
                run_block(&run, &connection->blocks[n], 0);
            }
            if (n < connection->lines_n) {
                const struct bytes *line = &connection->lines[connection->lines_n - 1 - n];
                cr_assert_neq(tls_keys_add_line(run.keys, (const char *)line->data, line->len), TLS_KEYS_INVALID);
                cr_assert(!tls_drain(run.tls, run.t_ns));
            }
        }
        cr_assert(!tls_waits(run.tls));
        if (is_decrypted(&facts[i])) {
            expect_plain(&run, connection);
        }
        run_fini(&run);
        connection_free(connection);
    }
}

/* ---------------------------------------------------------------- records that gather */

/* Run with records that gather, drained behind every `drained`th feed; return all that came out. */
static char *gathered(const struct connection *connection, size_t gather_bytes, size_t piece, size_t drained)
{
    struct run run;
    size_t feeds = 0, largest = 0;
    run_init_gathering(&run, true, gather_bytes);
    run_add_keys(&run, connection, -1);
    for (size_t i = 0; i < connection->blocks_n; i++) {
        const struct block *block = &connection->blocks[i];
        size_t step = piece == 0 ? block->bytes.len : piece;
        run.t_ns++;
        if (block->bytes.len == 0) {
            tls_end(run.tls, block->direction, run.t_ns, MITM__END_CAUSE__FIN);
        }
        for (size_t at = 0; at < block->bytes.len; at += step) {
            size_t left = block->bytes.len - at;
            run_feed(&run, block->direction, block->bytes.data + at, left < step ? left : step);
            largest = tls_held_bytes(run.tls) > largest ? tls_held_bytes(run.tls) : largest;
            cr_assert(++feeds % drained != 0 || !tls_drain(run.tls, 0));
        }
    }
    cr_assert(!tls_drain(run.tls, 0) && !tls_waits(run.tls));
    char *text = run_text(&run);
    cr_assert(largest <= gather_bytes || strstr(text, " early"), "%zu bytes", largest); /* those wait for the server */
    run_fini(&run);
    return text;
}

/* However much gathers and whenever it is drained: the same events with the same times, the plaintext in the same
 * order. */
Test(tls, gathering)
{
    static const size_t sizes[] = {150, 700, 4000, TLS_GATHER_BYTES}, pieces[] = {0, 1, 7, 64},
                        drained[] = {1, 2, 5, 1000000};
    for (size_t i = 0; i < FACTS; i++) {
        struct connection *connection = connection_read(facts[i].name);
        char *at_once = whole(connection, true, 0);
        char *plain = strdup(strstr(at_once, "start ") ? strstr(at_once, "start ") : "");
        char *events = sorted(at_once, "nothing");
        for (size_t n = 0; n < 4 * 4 * 4; n++) {
            char *text = gathered(connection, sizes[n / 16], pieces[n / 4 % 4], drained[n % 4]);
            cr_assert_str_eq(strstr(text, "start ") ? strstr(text, "start ") : "", plain, "%s: %zu", facts[i].name, n);
            text = sorted(text, "nothing");
            cr_assert_str_eq(text, events, "%s: %zu\n%s", facts[i].name, n, text);
            free(text);
        }
        free(events);
        free(plain);
        connection_free(connection);
    }
}

/* ---------------------------------------------------------------- keys that never come */

/* Run with what `add` adds of the keys, give up, and return the status of the last TlsDecryption, or "". */
static void status_with(const struct connection *connection, int without, bool any, char *status, size_t size)
{
    struct run run;
    run_init(&run, true);
    if (any) {
        run_add_keys(&run, connection, without);
    }
    run_blocks(&run, connection, 0, connection->blocks_n, 0);
    tls_give_up(run.tls, run.t_ns, false);
    cr_assert(!tls_waits(run.tls));
    for (size_t i = 0; i < 2; i++) {
        cr_assert(run.plain[i].len <= connection->sent[i].len);
        cr_assert(run.plain[i].len == 0 || memcmp(run.plain[i].data, connection->sent[i].data, run.plain[i].len) == 0);
    }
    char *text = run_text(&run);
    cr_assert_eq(run.ends, strstr(text, "start ") ? 2 : 0, "%s", text);
    *status = '\0';
    (void)find_last(text, " TlsDecryption ", status, size);
    free(text);
    run_fini(&run);
}

/* Return whether the decryption of the connection needs the secret in `line`. */
static bool is_needed(const struct fact *fact, const struct bytes *line)
{
    static const char *const others[] = {"EXPORTER", "EARLY_EXPORTER", "CLIENT_TRAFFIC_SECRET_N",
                                         "SERVER_TRAFFIC_SECRET_N"};
    const char *label = (const char *)line->data;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strncmp(label, others[i], strlen(others[i])) == 0) {
            return false;
        }
    }
    return strncmp(label, "CLIENT_EARLY", 12) != 0 || strstr(fact->name, "accepted");
}

Test(tls, keys_missing)
{
    for (size_t i = 0; i < FACTS; i++) {
        struct connection *connection = connection_read(facts[i].name);
        char status[256];
        if (is_decrypted(&facts[i])) {
            status_with(connection, -1, false, status, sizeof status);
            cr_assert_str_eq(status, "NO_KEYS");
        }
        for (size_t n = 0; n < connection->lines_n && is_decrypted(&facts[i]); n++) {
            bool needed = is_needed(&facts[i], &connection->lines[n]) && !strstr(facts[i].name, "renegotiation");
            status_with(connection, (int)n, true, status, sizeof status);
            if (needed) {
                cr_assert_str_eq(status, connection->lines_n == 1 ? "NO_KEYS" : "KEYS_INCOMPLETE", "%s: %.40s",
                                 facts[i].name, (char *)connection->lines[n].data);
            }
        }
        connection_free(connection);
    }
}

/* One hex digit of each line in turn is another one. */
Test(tls, keys_wrong)
{
    for (size_t i = 0; i < FACTS; i++) {
        struct connection *connection = connection_read(facts[i].name);
        for (size_t n = 0; n < connection->lines_n && is_decrypted(&facts[i]); n++) {
            struct bytes *line = &connection->lines[n];
            uint8_t *digit = &line->data[line->len - 1], was = *digit;
            *digit = was == '0' ? '1' : '0';
            char status[256];
            status_with(connection, -1, true, status, sizeof status);
            bool again = n > 0 && strstr(facts[i].name, "renegotiation"); /* the second handshake's keys */
            bool used = is_needed(&facts[i], line) && !again;
            bool skips = strstr(facts[i].name, "rejected") || strstr(facts[i].name, "early_retry");
            if (used && strncmp((char *)line->data, "CLIENT_HANDSHAKE", 16) == 0 && skips) {
                cr_assert_str_eq(status, "DECRYPTED"); /* all of the client is taken for rejected early data */
            } else if (used) {
                cr_assert(strncmp(status, "DECRYPTION_FAILED ", 18) == 0, "%s: %s", facts[i].name, status);
            }
            *digit = was;
        }
        connection_free(connection);
    }
}

/* Without a key log: what is told of a connection is the same, but for what only decryption knows. */
Test(tls, without_key_log)
{
    for (size_t i = 0; i < FACTS; i++) {
        struct connection *connection = connection_read(facts[i].name);
        char *text = whole(connection, false, 0);
        cr_assert(!strstr(text, " TlsDecryption ") && !strstr(text, "start "), "%s", text);
        expect_rest(&facts[i], text, " TlsServerHello ", facts[i].hello);
        cr_assert(strncmp(facts[i].name, "13", 2) != 0 || strstr(text, " TlsHandshakeEnd inferred resumed="), "%s",
                  text);
        if (strncmp(facts[i].name, "12", 2) == 0) {
            expect_rest(&facts[i], text, " TlsHandshakeEnd", facts[i].end);
            cr_assert(strstr(text, " TlsAlert > encrypted\n"));
        }
        free(text);
        connection_free(connection);
    }
}
