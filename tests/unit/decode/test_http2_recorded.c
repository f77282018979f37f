/*
 * nghttp and nginx, recorded by record_http2.py: what tshark reads there (streams, fields, lengths of data) is the
 * expected value of what the decoder tells.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/http2/http2.h"
#include "http2_tally.h"

#define RECORDING TEST_DATA "/recorded/http2-nginx.txt"

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Feed the packet in a line "> 00ff…" or "< …". */
static void feed_line(struct http2 *http2, const char *line, uint64_t t_ns)
{
    static uint8_t bytes[65536];
    size_t len = 0;
    for (const char *at = line + 2; at[0] > ' ' && at[1] > ' '; at += 2) {
        bytes[len++] = (uint8_t)(digit(at[0]) << 4 | digit(at[1]));
    }
    http2_feed(http2, line[0] == '>' ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT, t_ns, bytes, len);
}

Test(http2_recorded, nghttp_and_nginx)
{
    static char line[131072];
    struct tally tally;
    char *expected;
    size_t len;
    uint64_t t_ns = 0;
    FILE *file = fopen(RECORDING, "r");
    FILE *out = open_memstream(&expected, &len);
    cr_assert(file && out);
    tally_init(&tally);
    struct http2 *http2 = http2_new(&(struct event_sink){.emit = tally_event, .ctx = &tally}, UINT64_MAX);
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '>' || line[0] == '<') {
            feed_line(http2, line, t_ns++);
        } else if (line[0] != '#') {
            fputs(line, out);
        }
    }
    fclose(file);
    fclose(out);
    http2_end(http2, MITM__DIRECTION__TO_SERVER, t_ns, MITM__END_CAUSE__FIN);
    http2_end(http2, MITM__DIRECTION__TO_CLIENT, t_ns, MITM__END_CAUSE__FIN);
    http2_free(http2);
    char *actual = tally_finish(&tally);
    cr_assert(strstr(expected, "7 1: :status=200;") && t_ns > 10);
    cr_assert_str_eq(actual, expected, "--- expected\n%s--- actual\n%s", expected, actual);
    free(actual);
    free(expected);
}
