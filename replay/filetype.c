#include "replay/filetype.h"

#include <string.h>

static const char session_magic[] = "MITM session";

struct signature {
    const char *bytes;
    size_t len;
    const char *what;
};

#define SIGNATURE(text, what)                                                                                          \
    {                                                                                                                  \
        text, sizeof(text) - 1, what                                                                                   \
    }

static const struct signature signatures[] = {
    SIGNATURE("\x1f\x8b", "compressed with gzip: unpack it first (gzip -d)"),
    SIGNATURE("BZh", "compressed with bzip2: unpack it first (bzip2 -d)"),
    SIGNATURE("\xfd"
              "7zXZ",
              "compressed with xz: unpack it first (xz -d)"),
    SIGNATURE("PK\x03\x04", "a ZIP archive: unpack it first (unzip)"),
    SIGNATURE("\xd4\xc3\xb2\xa1", "a packet capture (pcap)"),
    SIGNATURE("\xa1\xb2\xc3\xd4", "a packet capture (pcap)"),
    SIGNATURE("\x4d\x3c\xb2\xa1", "a packet capture (pcap)"),
    SIGNATURE("\xa1\xb2\x3c\x4d", "a packet capture (pcap)"),
    SIGNATURE("\n\r\r\n", "a packet capture (pcapng)"),
    SIGNATURE("%PDF-", "a PDF document"),
    SIGNATURE("\x89PNG", "a PNG picture"),
    SIGNATURE("\x7f"
              "ELF",
              "a program"),
};

static bool begins_with(const uint8_t *data, size_t len, const char *text, size_t text_len)
{
    return len >= text_len && memcmp(data, text, text_len) == 0;
}

static bool contains(const uint8_t *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

/* Skip a varint. Return the index behind it; `len` if the data end in it; 0 if it is none. */
static size_t skip_varint(const uint8_t *data, size_t len, size_t at)
{
    for (size_t n = 0; n < 10 && at < len; n++) {
        if (!(data[at++] & 0x80))
            return at;
    }
    return at == len ? len : 0;
}

/* A session begins with: length, field 1 (t_ns), field 16 (SessionStart) with field 1 (magic) first. */
static bool is_session(const uint8_t *data, size_t len)
{
    size_t at = skip_varint(data, len < 3 ? len : 3, 0);
    if (at == 0)
        return false;
    if (at < len && data[at++] != 0x08)
        return false;
    at = skip_varint(data, len, at);
    if (at == 0)
        return false;
    static const uint8_t tag[2] = {0x82, 0x01};
    for (size_t i = 0; i < sizeof tag && at < len; i++) {
        if (data[at++] != tag[i])
            return false;
    }
    at = skip_varint(data, len, at);
    if (at == 0)
        return false;
    static const uint8_t field[2] = {0x0a, sizeof session_magic - 1};
    for (size_t i = 0; i < sizeof field && at < len; i++) {
        if (data[at++] != field[i])
            return false;
    }
    size_t n = len - at < sizeof session_magic - 1 ? len - at : sizeof session_magic - 1;
    return memcmp(data + at, session_magic, n) == 0;
}

/* mitmproxy writes tnetstrings: decimal length, colon, payload, type. */
static bool is_tnetstring(const uint8_t *data, size_t len)
{
    size_t at = 0;
    while (at < len && at < 12 && data[at] >= '0' && data[at] <= '9')
        at++;
    return at > 0 && at < len && data[at] == ':';
}

static const char *json_kind(const uint8_t *data, size_t len)
{
    if (contains(data, len, "\"t_ns\""))
        return "a list of events (mitm-analyze events --format jsonl), which cannot be read back";
    if (contains(data, len, "\"log\""))
        return "a HAR file";
    if (contains(data, len, "\"constants\""))
        return "a NetLog of Chromium";
    return "JSON";
}

/* Return what kind of text this is, or NULL if it is none. */
static const char *text_kind(const uint8_t *data, size_t len)
{
    size_t at = begins_with(data, len, "\xef\xbb\xbf", 3) ? 3 : 0;
    size_t first = len, ascii = 0;
    for (size_t i = at; i < len; i++) {
        bool space = data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r';
        if (!space && (data[i] < 0x20 || data[i] == 0x7f))
            return NULL;
        if (!space && first == len)
            first = i;
        ascii += data[i] < 0x80;
    }
    if (ascii < len / 2)
        return NULL;
    if (first == len)
        return "text";
    if (data[first] == '{' || data[first] == '[')
        return json_kind(data, len);
    if (data[first] == '<')
        return contains(data, len, "<svg") ? "an SVG picture" : "an HTML or XML document";
    return "text";
}

enum filetype_result filetype(const uint8_t *data, size_t len, const char **what)
{
    if (len > FILETYPE_BYTES)
        len = FILETYPE_BYTES;
    if (is_session(data, len))
        return FILETYPE_SESSION;
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        if (begins_with(data, len, signatures[i].bytes, signatures[i].len)) {
            *what = signatures[i].what;
            return FILETYPE_OTHER;
        }
    }
    if (is_tnetstring(data, len)) {
        *what = "a dump of mitmproxy (its files end in .mitm, too): read it with mitmproxy -r";
        return FILETYPE_OTHER;
    }
    if (len >= 8 && (*what = text_kind(data, len)))
        return FILETYPE_OTHER;
    return contains(data, len, session_magic) ? FILETYPE_SESSION : FILETYPE_UNKNOWN;
}

bool filetype_is_zstd(const uint8_t *data, size_t len)
{
    if (len < 4)
        return false;
    uint32_t magic = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
    return magic == 0xFD2FB528 || (magic & 0xFFFFFFF0) == 0x184D2A50;
}
