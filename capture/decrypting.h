/*
 * Decrypts what TLS connections carry with the keys of a key log: owns the keys, and knows the connections whose
 * records wait for theirs, which the decoder holds (capture/decode/tls/tls.h). Nothing on the wire waits.
 *
 * Records wait for DECRYPTING_WAIT_MS at most, also behind the connection's end (browsers write keys a little later
 * than they use them), and all connections together hold DECRYPTING_HELD_MAX_BYTES, where each counts as
 * DECRYPTING_CONN_BYTES itself: where it would be more, who has waited longest is given up. What is given up is seen as
 * without keys, and a TlsDecryption event says so.
 *
 * When keys come, what waited is decrypted in turns of the loop of about DECRYPTING_TURN_NS: much of it does not delay
 * what is to be passed on.
 *
 * Small records gather also where there are keys, up to TLS_GATHER_BYTES on a connection, and are decrypted together:
 * when more comes than that, right before events go to the disk (RECORDER_FLUSH_MS), before recording is paused or
 * resumed, and at a direction's end. So peers that answer each other at once do not wait for the decryption of what was
 * just said, and a record costs less than by itself. There is no timer of its own: one that is shorter than the
 * kernel's tick costs more, at each epoll_wait(2), than all this saves. Times are those of arrival. Records that may
 * have come earlier than that (Record.t_slack_ns) are decrypted at once: by how much is not noted of those that wait.
 */
#ifndef MITM_CAPTURE_DECRYPTING_H
#define MITM_CAPTURE_DECRYPTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define DECRYPTING_WAIT_MS        10000
#define DECRYPTING_TURN_NS        UINT64_C(2000000)
#define DECRYPTING_HELD_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define DECRYPTING_CONN_BYTES     ((size_t)16 * 1024)

struct conn;
struct decrypting;
struct proxy;
struct tls_keys;

/* What a connection has to do with it; embedded, all zero at the beginning. */
struct decrypting_part {
    TAILQ_ENTRY(conn) link;
    bool waits;         /* it is in the list of those that wait, */
    uint64_t since_ns;  /* since then, */
    size_t held_bytes;  /* with so much */
    bool untried;       /* records or keys have come since it was last tried to decrypt that: */
    uint64_t keys_t_ns; /* keys, at this time; 0: none while it waited */
    bool ended;         /* and nobody else needs it any more */
};

/*
 * Return what decrypts for `proxy`, which must outlive it, with the key log `path`, which need not exist yet; NULL and
 * errno in *error if it cannot be followed. The caller frees it with decrypting_free().
 */
struct decrypting *decrypting_new(struct proxy *proxy, const char *path, int *error)
    __attribute__((warn_unused_result));
void decrypting_free(struct decrypting *decrypting);

/* Return the keys, for app_new(); `decrypting` may be NULL: then NULL. */
struct tls_keys *decrypting_keys(struct decrypting *decrypting);

/* `conn` has decoded bytes, or an end: its records may wait for keys now, or not any more. */
void decrypting_look(struct conn *conn);

/* `conn` has ended, and would be freed. Return whether it is kept because records wait: then it is freed, with
 * conn_free(), as soon as they don't. */
bool decrypting_keeps(struct conn *conn) __attribute__((warn_unused_result));

/* Decrypt what has gathered, for one turn of the loop, and the rest in the next ones; `all`: now. `decrypting` may be
 * NULL. */
void decrypting_gathered(struct decrypting *decrypting, bool all);

/* The recording ends: read the last keys, decrypt with them, and give up what still waits. */
void decrypting_finish(struct decrypting *decrypting);

#endif
