/* The parts of the decoders that have rules of their own. */
#include <criterion/criterion.h>
#include <string.h>

#include "capture/decode/chunk.h"
#include "capture/decode/exchanges.h"
#include "capture/decode/excerpt.h"
#include "capture/decode/hold.h"
#include "capture/decode/sniff.h"

static enum sniff_result sniff_text(const char *text)
{
    return sniff((const uint8_t *)text, strlen(text));
}

Test(sniff, methods_with_space_are_http)
{
    /* RFC 9110, 9.3; RFC 5789; RFC 4918; UPnP. */
    static const char *const methods[] = {"GET ",      "HEAD ",       "POST ",   "PUT ",         "DELETE ",
                                          "CONNECT ",  "OPTIONS ",    "TRACE ",  "PATCH ",       "COPY ",
                                          "PROPFIND ", "MKCALENDAR ", "LOCK ",   "UNLOCK ",      "SEARCH",
                                          "M-SEARCH ", "BIND ",       "NOTIFY ", "UNSUBSCRIBE ", "PURGE "};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        size_t len = strlen(methods[i]);
        bool complete = methods[i][len - 1] == ' ';
        for (size_t n = 0; n < len; n++) {
            cr_assert_eq(sniff((const uint8_t *)methods[i], n), SNIFF_UNDECIDED, "%s: %zu", methods[i], n);
        }
        cr_assert_eq(sniff_text(methods[i]), complete ? SNIFF_HTTP1 : SNIFF_UNDECIDED, "%s", methods[i]);
    }
}

Test(sniff, others)
{
    cr_assert_eq(sniff_text("\x16\x03\x01"), SNIFF_TLS);
    cr_assert_eq(sniff_text("\x16\x02"), SNIFF_UNKNOWN);
    cr_assert_eq(sniff_text("\x16"), SNIFF_UNDECIDED);
    cr_assert_eq(sniff_text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), SNIFF_HTTP2);
    cr_assert_eq(sniff_text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r"), SNIFF_UNDECIDED);
    cr_assert_eq(sniff_text("PRI * HTTP/2.0\r\n\r\nSM\r\n\n"), SNIFF_UNKNOWN);
    cr_assert_eq(sniff_text("GETX"), SNIFF_UNKNOWN);
    cr_assert_eq(sniff_text("get "), SNIFF_UNKNOWN);
    cr_assert_eq(sniff_text("SSH-2.0-OpenSSH"), SNIFF_UNKNOWN);
    cr_assert_eq(sniff_text("\r\nGET "), SNIFF_HTTP1, "RFC 9112, 2.2");
    cr_assert_eq(sniff_text("\r\n\r\n"), SNIFF_UNDECIDED);
    cr_assert_eq(sniff_text("\r\n\r\n\r"), SNIFF_UNKNOWN);
    cr_assert_eq(sniff_text("\r\n\x16\x03"), SNIFF_UNKNOWN);
    cr_assert_eq(sniff_text("\r\nPRI * "), SNIFF_UNKNOWN);
}

Test(chunk, one_result_for_each_part)
{
    static const char text[] = "3;x\r\nabc\r\n0\r\n";
    static const struct {
        enum chunk_result result;
        size_t used;
    } expected[] = {{CHUNK_HEADER, 5}, {CHUNK_DATA, 3}, {CHUNK_LAST, 5}};
    struct chunk chunk = {0};
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t used;
        enum chunk_result result = chunk_read(&chunk, (const uint8_t *)text + at, strlen(text) - at, &used);
        cr_assert_eq(result, expected[i].result, "%zu", i);
        cr_assert_eq(used, expected[i].used, "%zu", i);
        at += used;
    }
    cr_assert_eq(at, strlen(text));
}

/* Return the offset of the byte at which the chunk header is refused, SIZE_MAX if it is not. */
static size_t refused_at(const char *text)
{
    struct chunk chunk = {0};
    for (size_t at = 0; at < strlen(text);) {
        size_t used;
        enum chunk_result result = chunk_read(&chunk, (const uint8_t *)text + at, strlen(text) - at, &used);
        at += used;
        if (result == CHUNK_INVALID) {
            return at;
        }
        if (result == CHUNK_LAST) {
            return SIZE_MAX;
        }
    }
    return SIZE_MAX;
}

Test(chunk, what_is_refused)
{
    cr_assert_eq(refused_at("fF\r\n"), SIZE_MAX);
    cr_assert_eq(refused_at("fffffffffffffff\r\n"), SIZE_MAX); /* 2^60 - 1 */
    cr_assert_eq(refused_at("1000000000000000\r\n"), 15);      /* 2^60 */
    cr_assert_eq(refused_at("1 \t;a\r\n"), SIZE_MAX);
    cr_assert_eq(refused_at(";a\r\n"), 0);
    cr_assert_eq(refused_at("\r\n"), 0);
    cr_assert_eq(refused_at("-1\r\n"), 0);
    cr_assert_eq(refused_at("0x1\r\n"), 1);
    cr_assert_eq(refused_at("1 1\r\n"), 2);
    cr_assert_eq(refused_at("1\rx"), 2);
    cr_assert_eq(refused_at("1\r\nab"), 4);
    cr_assert_eq(refused_at("1\r\na\rb"), 5);
    cr_assert_eq(refused_at("1\r\na\r\r"), 5);
}

Test(hold, pieces_keep_their_times)
{
    struct hold hold = {0};
    hold_add(&hold, &(struct piece){.t_ns = 5, .data = (const uint8_t *)"ab", .len = 2});
    hold_add(&hold, &(struct piece){.t_ns = 5, .data = (const uint8_t *)"c", .len = 1});
    hold_add(&hold, &(struct piece){.t_ns = 9, .data = (const uint8_t *)"def", .len = 3});
    cr_assert_eq(hold.pieces, 2);
    struct piece first = hold_piece(&hold, 0);
    struct piece second = hold_piece(&hold, 1);
    cr_assert(first.t_ns == 5 && first.len == 3 && memcmp(first.data, "abc", 3) == 0);
    cr_assert(second.t_ns == 9 && second.len == 3 && memcmp(second.data, "def", 3) == 0);
    hold_fini(&hold);
    cr_assert(hold.len == 0 && hold.pieces == 0);
}

/* Byte number n is n, and three in a row have the same time: check that the bytes from `taken` up to `added` are held.
 */
static void assert_holds(const struct hold *hold, uint32_t taken, uint32_t added)
{
    uint32_t at = taken;
    for (uint32_t i = 0; i < hold->pieces; i++) {
        struct piece piece = hold_piece(hold, i);
        cr_assert_eq(piece.offset, at - taken);
        for (size_t k = 0; k < piece.len; k++, at++) {
            cr_assert(piece.t_ns == at / 3 && piece.data[k] == (uint8_t)at);
        }
    }
    cr_assert(at == added && hold->len == added - taken);
}

Test(hold, what_is_taken_off_leaves_the_rest)
{
    struct hold hold = {0};
    uint32_t added = 0, taken = 0;
    for (int n = 0; n < 2000; n++) {
        uint8_t byte = (uint8_t)added;
        hold_add(&hold, &(struct piece){.t_ns = added++ / 3, .data = &byte, .len = 1});
        uint32_t skip = n % 256 < 200 ? 0 : (uint32_t)n % 9;
        skip = skip < hold.len ? skip : hold.len;
        hold_skip(&hold, skip);
        taken += skip;
        assert_holds(&hold, taken, added);
    }
    hold_skip(&hold, hold.len);
    cr_assert(!hold.data && !hold.times && hold.pieces == 0);
}

Test(excerpt, copies_only_what_is_left_behind)
{
    static const uint8_t text[] = "0123456789";
    struct excerpt excerpt;
    excerpt_init(&excerpt, 2, 6);
    struct piece whole = {.data = text, .len = 10};
    cr_assert_eq(excerpt_bytes(&excerpt, &whole), text + 2);
    excerpt_keep(&excerpt, &(struct piece){.data = text, .len = 4});
    excerpt_keep(&excerpt, &(struct piece){.offset = 4, .data = text + 4, .len = 1});
    const uint8_t *bytes = excerpt_bytes(&excerpt, &(struct piece){.offset = 5, .data = text + 5, .len = 5});
    cr_assert_arr_eq(bytes, "234567", 6);
    cr_assert_eq(excerpt.len, 6);
    excerpt_fini(&excerpt);
}

Test(exchanges, queue)
{
    struct exchanges exchanges = {0};
    cr_assert_eq(exchanges_first(&exchanges), 0);
    for (uint32_t i = 1; i <= 3000; i++) {
        cr_assert_eq(exchanges_add(&exchanges, i % 3 == 0), i);
        if (i > 1000) {
            cr_assert_eq(exchanges_first(&exchanges), i - 1000);
            cr_assert_eq(exchanges_first_is_head(&exchanges), (i - 1000) % 3 == 0);
            exchanges_remove_first(&exchanges);
        }
    }
    cr_assert_not(exchanges_full(&exchanges));
    for (uint32_t i = 0; i < 24; i++) {
        exchanges_add(&exchanges, false);
    }
    cr_assert(exchanges_full(&exchanges));
}
