#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proto/event.h"

static char *printed(void (*print)(FILE *, const Mitm__Record *), const Mitm__Record *record)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    print(out, record);
    fclose(out);
    return text;
}

static void assert_printed(void (*print)(FILE *, const Mitm__Record *), const Mitm__Record *record,
                           const char *expected)
{
    char *text = printed(print, record);
    cr_assert_str_eq(text, expected);
    free(text);
}

/* CRC-32C bit by bit: polynomial 0x1EDC6F41, reflected. */
static uint32_t crc32c_bitwise(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

Test(event, crc32c_of_rfc3720)
{
    uint8_t bytes[32];
    memset(bytes, 0, sizeof bytes);
    cr_assert_eq(crc32c_bitwise(bytes, 32), 0x8A9136AAu, "RFC 3720, B.4: 32 bytes of zeroes");
    memset(bytes, 0xff, sizeof bytes);
    cr_assert_eq(crc32c_bitwise(bytes, 32), 0x62A8AB43u, "RFC 3720, B.4: 32 bytes of ones");
}

/* The expected bytes are written down by hand from session.proto and the encoding rules of Protocol Buffers. */
Test(event, encodes_as_protocol_buffers_say)
{
    EVENT_NEW(record, ev, 300, SocksAuthEnd, SOCKS_AUTH_END, socks_auth_end);
    EVENT_SET(record, connection, 5);
    EVENT_SET(ev, status, 1);
    uint8_t out[64];
    cr_assert(event_encoded_size(&record) <= sizeof out);
    size_t len = event_encode(&record, out);
    /* length 16; t_ns (1, varint) 300; connection (2, varint) 5; socks_auth_end (51, length 2): status (1, varint) 1 */
    const uint8_t payload[] = {0x08, 0xAC, 0x02, 0x10, 0x05, 0x9A, 0x03, 0x02, 0x08, 0x01};
    uint32_t crc = crc32c_bitwise(payload, sizeof payload);
    cr_assert_eq(len, 1 + sizeof payload + 6);
    cr_assert_eq(out[0], sizeof payload + 6);
    cr_assert_arr_eq(out + 1, payload, sizeof payload);
    /* crc32c (1000, fixed32), little endian */
    const uint8_t trailer[] = {
        0xC5, 0x3E, (uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16), (uint8_t)(crc >> 24)};
    cr_assert_arr_eq(out + 1 + sizeof payload, trailer, sizeof trailer);
    cr_assert(event_crc_valid(out + 1, len - 1));
}

/* Every kind of event, with every field of Record set: the same bytes as protobuf-c's own encoding of the Record. */
Test(event, encodes_every_field_as_protobuf_c_does)
{
    const ProtobufCMessageDescriptor *descriptor = &mitm__record__descriptor;
    size_t events = 0;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        if (!(descriptor->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
            continue;
        const ProtobufCMessageDescriptor *event_descriptor = descriptor->fields[i].descriptor;
        ProtobufCMessage *event = calloc(1, event_descriptor->sizeof_message);
        event_descriptor->message_init(event);
        Mitm__Record record = MITM__RECORD__INIT;
        record.event_case = (Mitm__Record__EventCase)descriptor->fields[i].id;
        memcpy((uint8_t *)&record + descriptor->fields[i].offset, &event, sizeof(void *));
        /* All other fields but the CRC are numbers: a new one that event_encode() forgets is found here. */
        for (unsigned k = 0; k < descriptor->n_fields; k++) {
            const ProtobufCFieldDescriptor *field = &descriptor->fields[k];
            if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF || strcmp(field->name, "crc32c") == 0)
                continue;
            protobuf_c_boolean has = true;
            memcpy((uint8_t *)&record + field->quantifier_offset, &has, sizeof has);
            memset((uint8_t *)&record + field->offset, 0xA7,
                   field->type == PROTOBUF_C_TYPE_UINT64 ? sizeof(uint64_t) : sizeof(uint32_t));
        }
        uint8_t expected[256], out[256];
        size_t len = mitm__record__pack(&record, expected);
        cr_assert_eq(event_encode(&record, out), 1 + len + EVENT_TRAILER_BYTES, "%s", event_name(&record));
        cr_assert_arr_eq(out + 1, expected, len);
        free(event);
        events++;
    }
    cr_assert_gt(events, 20);
}

Test(event, decodes_what_it_encoded)
{
    EVENT_NEW(record, ev, UINT64_MAX, HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET(record, exchange, UINT32_MAX);
    EVENT_SET_BYTES(ev, target, "/a\0b", 4);
    uint8_t out[128];
    size_t len = event_encode(&record, out);
    struct event_arena *arena = event_arena_new();
    const Mitm__Record *back = event_decode(arena, out + 1, len - 1);
    cr_assert_not_null(back);
    cr_assert_eq(back->t_ns, UINT64_MAX);
    cr_assert_eq(back->exchange, UINT32_MAX);
    cr_assert_not(back->has_connection);
    cr_assert_eq(back->event_case, MITM__RECORD__EVENT_HTTP_REQUEST_START);
    cr_assert_eq(back->http_request_start->target.len, 4);
    cr_assert_arr_eq(back->http_request_start->target.data, "/a\0b", 4);
    cr_assert_not(back->http_request_start->has_method);
    event_arena_free(arena);
}

Test(event, too_long_is_not_encoded)
{
    size_t len = EVENT_MAX_BYTES;
    uint8_t *data = calloc(1, len);
    EVENT_NEW(record, ev, 0, HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
    EVENT_SET_BYTES(ev, data, data, len);
    uint8_t *out = malloc(event_encoded_size(&record));
    cr_assert_eq(event_encode(&record, out), 0);
    free(out);
    free(data);
}

Test(event, any_flipped_bit_is_found)
{
    EVENT_NEW(record, ev, 1, ConnectionEnd, CONNECTION_END, connection_end);
    EVENT_SET(ev, to_client_bytes, 20522);
    uint8_t out[64];
    size_t len = event_encode(&record, out) - 1;
    for (size_t bit = 0; bit < 8 * len; bit++) {
        out[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_not(event_crc_valid(out + 1, len), "bit %zu", bit);
        out[1 + bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_assert(event_crc_valid(out + 1, len));
}

Test(event, hostile_record_does_not_take_memory)
{
    /* 500,000 empty Header messages in one record of 1 MiB: protobuf-c would allocate 40 bytes and more for each. */
    size_t n = 500000, at = 0;
    uint8_t *bytes = malloc(2 * n + 16);
    bytes[at++] = 0x08;
    bytes[at++] = 0x01;
    bytes[at++] = 6 << 3 | 2; /* http_request_headers, length 2n */
    for (size_t len = 2 * n; len > 0; len >>= 7)
        bytes[at++] = (uint8_t)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));
    for (size_t i = 0; i < n; i++) {
        bytes[at++] = 1 << 3 | 2;
        bytes[at++] = 0;
    }
    struct event_arena *arena = event_arena_new();
    cr_assert_null(event_decode(arena, bytes, at), "more than 8 MiB would be needed");
    event_arena_free(arena);
    free(bytes);
}

Test(event, event_of_a_newer_version)
{
    /* t_ns 7, then field 999999 with an empty message. */
    const uint8_t bytes[] = {0x08, 0x07, 0xFA, 0xA3, 0xE8, 0x03, 0x00};
    struct event_arena *arena = event_arena_new();
    const Mitm__Record *record = event_decode(arena, bytes, sizeof bytes);
    cr_assert_not_null(record);
    cr_assert_str_eq(event_name(record), "Unknown");
    assert_printed(event_print_text, record, "000.000 - Unknown\n");
    assert_printed(event_print_json, record, "{\"t_ns\":7,\"event\":\"Unknown\"}\n");
    event_arena_free(arena);
}

Test(event, text_is_escaped)
{
    EVENT_NEW(record, ev, 1234567890123, SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
    EVENT_SET(record, connection, 7);
    EVENT_SET(ev, command, 1);
    EVENT_SET_BYTES(ev, host, "a b\"\\\n\033[31m\xff", 12);
    assert_printed(event_print_text, &record,
                   "1234.568 7 SocksRequestStart command=1 host=\"a b\\x22\\x5C\\x0A\\x1B[31m\\xFF\"\n");
}

Test(event, json_is_escaped)
{
    EVENT_NEW(record, ev, 5, SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
    /* quote, backslash, newline, escape, e acute, C1 control U+009B, right-to-left override U+202E */
    const char text[] = "\"\\\n\033\xc3\xa9\xc2\x9b\xe2\x80\xae";
    EVENT_SET_BYTES(ev, host, text, sizeof text - 1);
    assert_printed(
        event_print_json, &record,
        "{\"t_ns\":5,\"event\":\"SocksRequestStart\",\"host\":\"\\\"\\\\\\u000a\\u001b\xc3\xa9\\u009b\\u202e\"}\n");
}

Test(event, json_of_invalid_utf8_is_base64)
{
    /* RFC 4648, 10: "fo" is "Zm8=", "foob" is "Zm9vYg=="; 0xff 0xfe is "//4=" by its table. */
    static const struct {
        const char *bytes, *base64;
    } cases[] = {
        {"\xff\xfe", "//4="}, {"\xc0\xaf", "wK8="}, {"\xed\xa0\x80", "7aCA"}, {"\xf4\x90\x80\x80", "9JCAgA=="}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EVENT_NEW(record, ev, 5, ResolveStart, RESOLVE_START, resolve_start);
        EVENT_SET_BYTES(ev, host, cases[i].bytes, strlen(cases[i].bytes));
        char expected[128];
        snprintf(expected, sizeof expected, "{\"t_ns\":5,\"event\":\"ResolveStart\",\"host\":{\"base64\":\"%s\"}}\n",
                 cases[i].base64);
        assert_printed(event_print_json, &record, expected);
    }
}

Test(event, json_of_lists_enums_and_data)
{
    Mitm__Header header = MITM__HEADER__INIT;
    EVENT_SET_BYTES(header, name, "Host", 4);
    EVENT_SET_BYTES(header, value, "example.org", 11);
    Mitm__Header *list[] = {&header, &header};
    EVENT_NEW(record, ev, 5, HttpResponseEnd, HTTP_RESPONSE_END, http_response_end);
    EVENT_SET(ev, cause, MITM__HTTP_END_CAUSE__LAST_CHUNK);
    ev.n_trailers = 2;
    ev.trailers = list;
    assert_printed(event_print_json, &record,
                   "{\"t_ns\":5,\"event\":\"HttpResponseEnd\",\"cause\":\"LAST_CHUNK\",\"trailers\":["
                   "{\"name\":\"Host\",\"value\":\"example.org\"},{\"name\":\"Host\",\"value\":\"example.org\"}]}\n");
    EVENT_NEW(body_record, body, 5, HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
    EVENT_SET_BYTES(body, data, "foobar", 6);
    assert_printed(event_print_json, &body_record,
                   "{\"t_ns\":5,\"event\":\"HttpResponseBody\",\"data\":{\"base64\":\"Zm9vYmFy\"}}\n");
    assert_printed(event_print_text, &body_record, "000.000 - HttpResponseBody data=[6]\n");
}
