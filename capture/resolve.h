/*
 * Name look-up for the built-in SOCKS5 server (never used with an upstream): getaddrinfo(3), so that names mean what
 * they mean to other programs of this system, on threads of its own, so that a slow name server holds up nothing else.
 */
#ifndef MITM_CAPTURE_RESOLVE_H
#define MITM_CAPTURE_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <event2/event.h>

#define RESOLVE_ADDRESSES_MAX 16

/* Room for an IP address as text. */
#define RESOLVE_TEXT_SIZE 46

struct resolve_addresses {
    size_t n;
    struct sockaddr_storage address[RESOLVE_ADDRESSES_MAX]; /* AF_INET or AF_INET6, with the port */
};

struct resolver;
struct resolve_job;

/* Called on the loop's thread: `error` is 0 or an EAI_… code; `addresses` is valid during the call. */
typedef void resolve_done_fn(void *ctx, int error, const struct resolve_addresses *addresses);

/* Return a resolver whose answers come from `base`'s loop, or NULL with errno set. It is freed with resolver_free(). */
struct resolver *resolver_new(struct event_base *base);

/* Free `resolver`; jobs that have not been answered are forgotten, threads that are still asking end by themselves. */
void resolver_free(struct resolver *resolver);

/*
 * Read `path`, a file in the format of hosts(5), whose names are answered from it from now on. Return false and store
 * one line in *message (static or errno's text) and the line's number in *line (0: the file as such) if that fails.
 */
bool resolver_read_hosts(struct resolver *resolver, const char *path, const char **message, size_t *line)
    __attribute__((warn_unused_result));

enum resolve_local { RESOLVE_LOCAL_DONE, RESOLVE_LOCAL_ASK, RESOLVE_LOCAL_REFUSED };

/*
 * Answer `host` (len bytes) without asking anybody: IP addresses, localhost and names below it (RFC 6761, 6.3), names
 * of the hosts file. DONE: *addresses is filled in. ASK: resolver_start() has to ask. REFUSED: not a name to ask for:
 * it holds a NUL, is too long, or ends in .onion (RFC 7686, 2).
 */
enum resolve_local resolver_local(const struct resolver *resolver, const char *host, size_t len, uint16_t port,
                                  struct resolve_addresses *addresses);

/*
 * Ask for the addresses of `host`, NUL-terminated. `done` is called with `ctx` from the loop, never from within this
 * call; the job ends with it. They come in the order in which they should be tried: families in turn (RFC 8305, 4).
 */
struct resolve_job *resolver_start(struct resolver *resolver, const char *host, uint16_t port, resolve_done_fn *done,
                                   void *ctx);

/* Forget `job`: `done` will not be called. */
void resolver_cancel(struct resolve_job *job);

/* Return what `error`, an EAI_… code, means. The text is static. */
const char *resolve_error_text(int error);

/* Write the IP address of `address` to `text` (RESOLVE_TEXT_SIZE bytes) and return its port. */
uint16_t resolve_text(const struct sockaddr_storage *address, char *text);

/* Return the length of `address` as connect(2) wants it. */
socklen_t resolve_length(const struct sockaddr_storage *address);

/* Store the IP address that `text` spells (an IPv6 address may stand in brackets) and `port`; return false if it is
 * none. */
bool resolve_literal(const char *text, uint16_t port, struct sockaddr_storage *address)
    __attribute__((warn_unused_result));

#endif
