#include "capture/decode/http2/block.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"
#include "capture/decode/http2/http2.h"

/* What a field takes in the count of inflated bytes beside its text, as in the dynamic table (RFC 7541, 4.1). */
#define FIELD_EXTRA_BYTES 32
/* Room for fields at first. */
#define FIELDS_FIRST 16

static const char *const pseudo_names[BLOCK_PSEUDOS] = {
    [BLOCK_METHOD] = ":method", [BLOCK_SCHEME] = ":scheme", [BLOCK_AUTHORITY] = ":authority",
    [BLOCK_PATH] = ":path",     [BLOCK_STATUS] = ":status", [BLOCK_PROTOCOL] = ":protocol",
};

void block_init(struct block *block)
{
    *block = (struct block){0};
    if (nghttp2_hd_inflate_new(&block->inflater) != 0 ||
        nghttp2_hd_inflate_change_table_size(block->inflater, HTTP2_TABLE_MAX_BYTES) != 0) {
        abort();
    }
}

void block_end(struct block *block)
{
    free(block->text.data);
    free(block->record.data);
    free(block->fields);
    block->text = block->record = (struct block_bytes){0};
    block->fields = NULL;
    block->fields_n = block->fields_room = 0;
}

void block_fini(struct block *block)
{
    block_end(block);
    nghttp2_hd_inflate_del(block->inflater);
}

void block_begin(struct block *block)
{
    block_end(block);
    block->compressed = block->inflated = 0;
    block->omitted = 0;
    block->full = false;
    memset(block->pseudos, 0, sizeof block->pseudos);
}

static void append(struct block_bytes *bytes, const uint8_t *data, size_t len)
{
    if (len > 0) {
        bytes->data = grow(bytes->data, &bytes->room, bytes->len + (uint32_t)len, 1);
        memcpy(bytes->data + bytes->len, data, len);
        bytes->len += (uint32_t)len;
    }
}

static void keep_pseudo(struct block *block, const nghttp2_nv *nv)
{
    for (int i = 0; i < BLOCK_PSEUDOS; i++) {
        struct block_text *text = &block->pseudos[i];
        if (text->present || nv->namelen != strlen(pseudo_names[i]) ||
            memcmp(nv->name, pseudo_names[i], nv->namelen) != 0) {
            continue;
        }
        size_t max = i == BLOCK_PATH ? HEAD_MAX_TARGET : BLOCK_TEXT_MAX_BYTES;
        size_t len = nv->valuelen < max ? nv->valuelen : max;
        *text = (struct block_text){
            .present = true, .at = block->text.len, .len = (uint32_t)len, .omitted = nv->valuelen - len};
        append(&block->text, nv->value, len);
    }
}

static void record_field(struct block *block, const nghttp2_nv *nv)
{
    size_t len = nv->namelen + nv->valuelen;
    uint64_t allowed = BLOCK_RECORD_FREE + BLOCK_RECORD_RATIO * block->wire_bytes;
    if (block->fields_n == HEAD_MAX_FIELDS || block->record.len + len > HEAD_MAX_FIELD_BYTES ||
        block->recorded_bytes + len + FIELD_EXTRA_BYTES > allowed) {
        block->full = true;
    }
    if (block->full) {
        block->omitted++;
        return;
    }
    block->recorded_bytes += len + FIELD_EXTRA_BYTES;
    append(&block->record, nv->name, nv->namelen);
    append(&block->record, nv->value, nv->valuelen);
    uint32_t need = block->fields ? block->fields_n + 1 : FIELDS_FIRST;
    block->fields = grow(block->fields, &block->fields_room, need, sizeof *block->fields);
    block->fields[block->fields_n++] =
        (struct block_field){.name_len = (uint32_t)nv->namelen, .value_len = (uint32_t)nv->valuelen};
}

/* Return whether the block may have this field, too. */
static bool add_field(struct block *block, const nghttp2_nv *nv)
{
    block->inflated += nv->namelen + nv->valuelen + FIELD_EXTRA_BYTES;
    if (block->inflated > BLOCK_INFLATED_MAX_BYTES) {
        return false;
    }
    if (nv->namelen > 0 && nv->name[0] == ':') {
        keep_pseudo(block, nv);
    }
    record_field(block, nv);
    return true;
}

static const char *inflate(struct block *block, const uint8_t *data, size_t len, bool last)
{
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(block->inflater, &nv, &flags, data, len, last);
        if (used == NGHTTP2_ERR_NOMEM) {
            abort();
        }
        if (used < 0) {
            return "A header block that cannot be decoded";
        }
        data += used;
        len -= (size_t)used;
        if (flags & NGHTTP2_HD_INFLATE_EMIT && !add_field(block, &nv)) {
            return "A header block that inflates to more than 1 MiB";
        }
        if (flags & NGHTTP2_HD_INFLATE_FINAL) {
            nghttp2_hd_inflate_end_headers(block->inflater);
            return NULL;
        }
        if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && len == 0) {
            return NULL;
        }
    }
}

const char *block_read(struct block *block, const uint8_t *data, size_t len, bool last)
{
    if (len > HTTP2_BLOCK_MAX_BYTES - block->compressed) {
        return "A header block of more than 256 KiB";
    }
    block->compressed += len;
    block->wire_bytes += len;
    return inflate(block, data, len, last);
}

const uint8_t *block_text(const struct block *block, enum block_pseudo pseudo)
{
    const struct block_text *text = &block->pseudos[pseudo];
    return text->len > 0 ? block->text.data + text->at : (const uint8_t *)"";
}

bool block_text_is(const struct block *block, enum block_pseudo pseudo, const char *text)
{
    size_t len = strlen(text);
    return block->pseudos[pseudo].len == len && memcmp(block_text(block, pseudo), text, len) == 0;
}

uint32_t block_status(const struct block *block)
{
    const uint8_t *text = block_text(block, BLOCK_STATUS);
    uint32_t status = 0;
    if (block->pseudos[BLOCK_STATUS].len != 3) {
        return 0;
    }
    for (int i = 0; i < 3; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        status = status * 10 + text[i] - '0';
    }
    return status < 100 ? 0 : status;
}

void block_get_fields(const struct block *block, struct head_fields *fields)
{
    const uint8_t *at = block->record.len > 0 ? block->record.data : (const uint8_t *)"";
    fields->n = block->fields_n;
    fields->omitted = block->omitted;
    for (uint32_t i = 0; i < block->fields_n; i++) {
        const struct block_field *field = &block->fields[i];
        Mitm__Header *header = &fields->storage[i];
        *header = (Mitm__Header)MITM__HEADER__INIT;
        EVENT_SET_BYTES(*header, name, at, field->name_len);
        EVENT_SET_BYTES(*header, value, at + field->name_len, field->value_len);
        at += field->name_len + field->value_len;
        fields->fields[i] = header;
    }
}
