/*
 * Reader of the session format: bytes in, records out. It does no I/O and its memory is bounded (two records).
 *
 * The bytes may come in pieces of any size, and more may come after READER_MORE (a file that still grows). Damage is
 * reported with its place, then the reader goes on at the next record that proves itself by its CRC. After the last
 * byte reader_finish() turns what is incomplete into READER_TRUNCATED.
 */
#ifndef MITM_PROTO_READER_H
#define MITM_PROTO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

enum reader_result {
    READER_RECORD,    /* item->record is the next record */
    READER_MORE,      /* feed more bytes, or finish */
    READER_DAMAGE,    /* item->offset_bytes … + item->len_bytes hold no record; reading goes on behind them */
    READER_TRUNCATED, /* the same at the end of the input: the last record is incomplete */
    READER_END        /* finished, and all bytes were consumed */
};

struct reader_item {
    uint64_t offset_bytes; /* where it begins, from the first byte ever fed */
    uint64_t len_bytes;    /* how many bytes of the input it takes, length prefix included */
    Mitm__Record *record;  /* READER_RECORD: lives until the next call of reader_next() or reader_free() */
};

struct reader;

/* Return a new reader; the caller frees it with reader_free(). */
struct reader *reader_new(void);
void reader_free(struct reader *reader);

/*
 * Return room for at least `want` ≥ 1 bytes of input; store in *got how much room there is. The caller writes n ≤ *got
 * bytes there and calls reader_commit(reader, n).
 */
uint8_t *reader_reserve(struct reader *reader, size_t want, size_t *got);
void reader_commit(struct reader *reader, size_t n);

/* Say that no more bytes will come. */
void reader_finish(struct reader *reader);

/* Fill in *item with what comes next and return its kind. */
enum reader_result reader_next(struct reader *reader, struct reader_item *item) __attribute__((warn_unused_result));

#endif
