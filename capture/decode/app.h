/*
 * What flows behind the SOCKS handshake: recognises the protocol by content and hands the bytes to its decoder.
 *
 * The decoder contract, which holds for everything in this folder: bytes and a time in, events out, to the sink given
 * at creation. No I/O, no clock, no log; memory is bounded whatever the peers send. However the input is cut into
 * pieces, the same events come out (adjacent HttpRequestBody, HttpResponseBody and OpaqueData events taken together).
 * It watches and never stands in the way: what it cannot follow it reports once per direction as a Violation, and what
 * comes after that in this direction is OpaqueData.
 */
#ifndef MITM_CAPTURE_DECODE_APP_H
#define MITM_CAPTURE_DECODE_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

/* Record the data of bodies whole. */
#define APP_BODY_UNLIMITED UINT64_MAX

struct app;
struct tls_keys;

/*
 * Return a new decoder for one connection. It emits to `sink`, which must outlive it, and records at most
 * `body_limit_bytes` of the data of each body. With `keys`, which must outlive it, TLS is decrypted, small records when
 * app_drain() is called (TLS_GATHER_BYTES); NULL: it is not. The caller frees it with app_free(). Until the protocol is
 * known it takes less than 256 bytes of memory, where the server begins like HTTP/2 less than 40 KiB.
 */
struct app *app_new(const struct event_sink *sink, uint64_t body_limit_bytes, struct tls_keys *keys);
void app_free(struct app *app);

/* Return whether `app` speaks HTTP/1 itself, and not within TLS: offsets of requests are those of the connection. */
bool app_is_http1(const struct app *app) __attribute__((warn_unused_result));

/* Return whether encrypted records wait (see tls.h); where keys are missing they go on to after app_end(). */
bool app_waits(const struct app *app) __attribute__((warn_unused_result));

/* Return how many bytes of records wait. */
size_t app_held_bytes(const struct app *app) __attribute__((warn_unused_result));

/* Decrypt a part of what waits: see tls_drain(). Return whether there is more: call it again. */
bool app_drain(struct app *app, uint64_t t_ns);

/* No more keys will come, or (`for_room`) no more is kept until they do: by `t_ns` what waits is given up. */
void app_give_up(struct app *app, uint64_t t_ns, bool for_room);

/* Decode `len` ≥ 1 bytes at `data` that arrived at `t_ns` (≥ the times before in this direction) in `direction`. */
void app_feed(struct app *app, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);

/*
 * Return whether it is not known yet what the last bytes of the client are that `app` was fed: whether a request begins
 * with them, for which no HttpRequestStart has been emitted. Then store the offset of the first of them, counted from
 * the client's first byte, in *offset_bytes, and its arrival in *t_ns.
 */
bool app_pending(const struct app *app, uint64_t *offset_bytes, uint64_t *t_ns) __attribute__((warn_unused_result));

/*
 * Say that `direction` has ended at `t_ns` because of `cause`: what is incomplete is ended (HttpResponseEnd with
 * UNTIL_CLOSE or TRUNCATED). To be called once per direction; afterwards nothing is fed in it. Emits no EndOfStream:
 * that is the relay's to say.
 */
void app_end(struct app *app, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause);

#endif
