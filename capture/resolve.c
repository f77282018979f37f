#include "capture/resolve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREADS_MAX = 16 };

struct resolve_job {
    struct resolve_job *next;
    char *host;
    uint16_t port;
    resolve_done_fn *done; /* NULL: cancelled. The loop's thread only. */
    void *ctx;
    int error;
    struct resolve_addresses addresses;
};

struct job_list {
    struct resolve_job *first, **end;
};

/* What the threads work on. It lives until the resolver and the last of its threads are gone. */
struct pool {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct job_list asked, answered;
    unsigned threads, idle; /* idle: those that were woken for a job and have not taken it yet, too */
    unsigned asked_n;
    unsigned users;
    bool closing;
    int answered_fd; /* eventfd: `answered` is not empty */
};

struct hosts_entry {
    char *name;
    struct sockaddr_storage address;
};

struct resolver {
    struct pool *pool;
    struct event *answered_event;
    struct hosts_entry *hosts;
    size_t hosts_n;
};

/* ---------------------------------------------------------------- addresses */

socklen_t resolve_length(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

const char *resolve_error_text(int error)
{
    return gai_strerror(error);
}

uint16_t resolve_text(const struct sockaddr_storage *address, char *text)
{
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, text, RESOLVE_TEXT_SIZE);
        return ntohs(in6->sin6_port);
    }
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    inet_ntop(AF_INET, &in->sin_addr, text, RESOLVE_TEXT_SIZE);
    return ntohs(in->sin_port);
}

bool resolve_literal(const char *text, uint16_t port, struct sockaddr_storage *address)
{
    char bare[RESOLVE_TEXT_SIZE];
    size_t len = strlen(text);
    bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';
    if (brackets)
        len -= 2;
    if (len >= sizeof bare)
        return false;
    memcpy(bare, text + brackets, len);
    bare[len] = '\0';

    memset(address, 0, sizeof *address);
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
    if (!brackets && inet_pton(AF_INET, bare, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, bare, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        return true;
    }
    return false;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)address)->sin_port = htons(port);
}

static void add_address(struct resolve_addresses *addresses, const struct sockaddr_storage *address)
{
    if (addresses->n < RESOLVE_ADDRESSES_MAX)
        addresses->address[addresses->n++] = *address;
}

static void add_literal(struct resolve_addresses *addresses, const char *text, uint16_t port)
{
    struct sockaddr_storage address;
    bool ok = resolve_literal(text, port, &address);
    assert(ok);
    (void)ok;
    add_address(addresses, &address);
}

/* ---------------------------------------------------------------- without asking */

/* Whether `host` is `name` or ends in it behind a dot, whatever the case and final dots. */
static bool is_below(const char *host, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    while (len > 0 && host[len - 1] == '.')
        len--;
    return len >= name_len && strncasecmp(host + len - name_len, name, name_len) == 0 &&
           (len == name_len || host[len - name_len - 1] == '.');
}

enum resolve_local resolver_local(const struct resolver *resolver, const char *host, size_t len, uint16_t port,
                                  struct resolve_addresses *addresses)
{
    const size_t longest_name = 255; /* RFC 1035, 2.3.4 */
    addresses->n = 0;
    if (len == 0 || len > longest_name || memchr(host, '\0', len) || is_below(host, len, "onion"))
        return RESOLVE_LOCAL_REFUSED;
    struct sockaddr_storage literal;
    if (resolve_literal(host, port, &literal)) {
        add_address(addresses, &literal);
        return RESOLVE_LOCAL_DONE;
    }
    for (size_t i = 0; i < resolver->hosts_n; i++) {
        const struct hosts_entry *entry = &resolver->hosts[i];
        if (strcasecmp(entry->name, host) == 0) {
            struct sockaddr_storage address = entry->address;
            set_port(&address, port);
            add_address(addresses, &address);
        }
    }
    if (addresses->n == 0 && is_below(host, len, "localhost")) {
        add_literal(addresses, "127.0.0.1", port);
        add_literal(addresses, "::1", port);
    }
    return addresses->n > 0 ? RESOLVE_LOCAL_DONE : RESOLVE_LOCAL_ASK;
}

static void hosts_add(struct resolver *resolver, const char *name, const struct sockaddr_storage *address)
{
    resolver->hosts = reallocarray(resolver->hosts, resolver->hosts_n + 1, sizeof *resolver->hosts);
    if (!resolver->hosts)
        abort();
    struct hosts_entry *entry = &resolver->hosts[resolver->hosts_n++];
    entry->name = strdup(name);
    entry->address = *address;
    if (!entry->name)
        abort();
}

/* Take one line of the hosts file; return what is wrong with it, or NULL. */
static const char *hosts_line(struct resolver *resolver, char *line)
{
    static const char space[] = " \t\r\n";
    char *rest;
    line[strcspn(line, "#")] = '\0';
    char *word = strtok_r(line, space, &rest);
    if (!word)
        return NULL;
    struct sockaddr_storage address;
    if (!resolve_literal(word, 0, &address))
        return "the line does not begin with an IP address";
    word = strtok_r(NULL, space, &rest);
    if (!word)
        return "no name stands behind the address";
    for (; word; word = strtok_r(NULL, space, &rest))
        hosts_add(resolver, word, &address);
    return NULL;
}

bool resolver_read_hosts(struct resolver *resolver, const char *path, const char **message, size_t *line)
{
    *line = 0;
    FILE *file = fopen(path, "re");
    if (!file) {
        *message = strerror(errno);
        return false;
    }
    char *text = NULL;
    size_t size = 0;
    *message = NULL;
    while (!*message && getline(&text, &size, file) >= 0) {
        ++*line;
        *message = hosts_line(resolver, text);
    }
    if (!*message && ferror(file)) {
        *message = strerror(errno);
        *line = 0;
    }
    free(text);
    fclose(file);
    return !*message;
}

/* ---------------------------------------------------------------- the threads */

static void list_append(struct job_list *list, struct resolve_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static struct resolve_job *list_take(struct job_list *list)
{
    struct resolve_job *job = list->first;
    if (job) {
        list->first = job->next;
        if (!list->first)
            list->end = &list->first;
    }
    return job;
}

static void job_free(struct resolve_job *job)
{
    free(job->host);
    free(job);
}

static void list_free(struct job_list *list)
{
    for (struct resolve_job *job; (job = list_take(list));)
        job_free(job);
}

/* Copy the addresses of `info`, IPv6 and IPv4 in turn, beginning with the family that the system puts first. */
static void interleave(const struct addrinfo *info, uint16_t port, struct resolve_addresses *addresses)
{
    int family = info ? info->ai_family : AF_UNSPEC;
    const struct addrinfo *same = info, *other = info;
    addresses->n = 0;
    while (same || other) {
        while (same && same->ai_family != family)
            same = same->ai_next;
        while (other && other->ai_family == family)
            other = other->ai_next;
        const struct addrinfo **turn[] = {&same, &other};
        for (size_t i = 0; i < 2; i++) {
            if (!*turn[i])
                continue;
            struct sockaddr_storage address = {0};
            memcpy(&address, (*turn[i])->ai_addr, (*turn[i])->ai_addrlen);
            set_port(&address, port);
            add_address(addresses, &address);
            *turn[i] = (*turn[i])->ai_next;
        }
    }
}

static void ask(struct resolve_job *job)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *info = NULL;
    job->error = getaddrinfo(job->host, NULL, &hints, &info);
    if (job->error)
        return;
    interleave(info, job->port, &job->addresses);
    freeaddrinfo(info);
}

/* Give up one user's share of `pool`, whose mutex the caller holds; it is released. */
static void pool_leave(struct pool *pool)
{
    bool last = --pool->users == 0;
    pthread_mutex_unlock(&pool->mutex);
    if (!last)
        return;
    list_free(&pool->asked);
    list_free(&pool->answered);
    close(pool->answered_fd);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

/* Hand `job`, whose answer is there, to the loop. The mutex is held. */
static void answer(struct pool *pool, struct resolve_job *job)
{
    list_append(&pool->answered, job);
    uint64_t one = 1;
    ssize_t written = write(pool->answered_fd, &one, sizeof one);
    assert(written == sizeof one);
    (void)written;
}

static void *asking_thread(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->closing) {
        struct resolve_job *job = list_take(&pool->asked);
        pool->asked_n -= job != NULL;
        if (!job) {
            pool->idle++;
            pthread_cond_wait(&pool->wake, &pool->mutex);
            pool->idle--;
            continue;
        }
        pthread_mutex_unlock(&pool->mutex);
        ask(job);
        pthread_mutex_lock(&pool->mutex);
        answer(pool, job);
    }
    pool_leave(pool);
    return NULL;
}

/* Start one more thread unless there is an idle one for one more job, if there may be one; the mutex is held. */
static void pool_grow(struct pool *pool)
{
    if (pool->idle > pool->asked_n || pool->threads == THREADS_MAX)
        return;
    pthread_t thread;
    if (pthread_create(&thread, NULL, asking_thread, pool) == 0) {
        pthread_detach(thread);
        pool->threads++;
        pool->users++;
    }
}

/* ---------------------------------------------------------------- the loop's side */

static void on_answered(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct resolver *resolver = arg;
    struct pool *pool = resolver->pool;
    uint64_t count;
    if (read(fd, &count, sizeof count) != sizeof count)
        return;
    pthread_mutex_lock(&pool->mutex);
    struct resolve_job *first = pool->answered.first;
    pool->answered = (struct job_list){.end = &pool->answered.first};
    pthread_mutex_unlock(&pool->mutex);
    while (first) {
        struct resolve_job *job = first;
        first = job->next;
        if (job->done)
            job->done(job->ctx, job->error, &job->addresses);
        job_free(job);
    }
}

struct resolver *resolver_new(struct event_base *base)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return NULL;
    struct resolver *resolver = calloc(1, sizeof *resolver);
    struct pool *pool = calloc(1, sizeof *pool);
    if (!resolver || !pool)
        abort();
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->asked.end = &pool->asked.first;
    pool->answered.end = &pool->answered.first;
    pool->answered_fd = fd;
    pool->users = 1;
    resolver->pool = pool;
    resolver->answered_event = event_new(base, fd, EV_READ | EV_PERSIST, on_answered, resolver);
    if (!resolver->answered_event || event_add(resolver->answered_event, NULL) != 0)
        abort();
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    event_free(resolver->answered_event);
    struct pool *pool = resolver->pool;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->wake);
    pool_leave(pool);
    for (size_t i = 0; i < resolver->hosts_n; i++)
        free(resolver->hosts[i].name);
    free(resolver->hosts);
    free(resolver);
}

struct resolve_job *resolver_start(struct resolver *resolver, const char *host, uint16_t port, resolve_done_fn *done,
                                   void *ctx)
{
    struct resolve_job *job = calloc(1, sizeof *job);
    if (!job || !(job->host = strdup(host)))
        abort();
    job->port = port;
    job->done = done;
    job->ctx = ctx;
    struct pool *pool = resolver->pool;
    pthread_mutex_lock(&pool->mutex);
    pool_grow(pool);
    if (pool->threads > 0) {
        list_append(&pool->asked, job);
        pool->asked_n++;
        pthread_cond_signal(&pool->wake);
    } else {
        job->error = EAI_MEMORY; /* not even one thread could be started */
        answer(pool, job);
    }
    pthread_mutex_unlock(&pool->mutex);
    return job;
}

void resolver_cancel(struct resolve_job *job)
{
    job->done = NULL;
}
