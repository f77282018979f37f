/*
 * Finds out how large the bodies of responses are with Content-Encoding undone (analyze/content_coding.h), from the
 * data that were recorded: model_exchange.decoded_bytes. That is known only of a body that was recorded whole, is
 * complete, and is what its codings say, to its last byte.
 *
 * Time and memory are bounded: at most FOLD_CONTENTS_OPEN bodies are decoded at once, with FOLD_CONTENTS_MEMORY_BYTES
 * in all, and all bodies give at most FOLD_CONTENTS_FREE_BYTES and FOLD_CONTENTS_RATIO times what was fed. The size of
 * a body beyond that is not known.
 */
#ifndef MITM_ANALYZE_FOLD_CONTENTS_H
#define MITM_ANALYZE_FOLD_CONTENTS_H

#include "analyze/model.h"

#define FOLD_CONTENTS_OPEN         256
#define FOLD_CONTENTS_MEMORY_BYTES ((size_t)256 << 20)
#define FOLD_CONTENTS_FREE_BYTES   (UINT64_C(1) << 30)
#define FOLD_CONTENTS_RATIO        32

struct fold_contents;

/* Return a new state, with no body begun. The caller frees it with fold_contents_free(). */
struct fold_contents *fold_contents_new(void) __attribute__((returns_nonnull, warn_unused_result));
void fold_contents_free(struct fold_contents *contents);

/* Forget the bodies that were begun: connections and exchanges of another session follow. NULL: do nothing. */
void fold_contents_begin_session(struct fold_contents *contents);

/*
 * Take an HTTP event of `exchange` of the connection `connection`, before fold_http() has changed the exchange; set its
 * decoded_bytes when its response ends. NULL: do nothing.
 */
void fold_contents_apply(struct fold_contents *contents, uint32_t connection, struct model_exchange *exchange,
                         const Mitm__Record *record);

#endif
