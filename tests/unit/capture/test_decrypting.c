/* Connections over TLS whose keys come late, on a whole proxy that runs in the test; their bytes are recorded ones. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../decode/tls/connection.h"
#include "../decode/tls/seal.h"
#include "capture/conn_private.h"
#include "capture/proxy.h"
#include "loopback.h"
#include "session_text.h"

static char folder[] = "/tmp/mitm-decrypting-XXXXXX";
static struct proxy *proxy;
static struct recorder *recorder;
static struct sockaddr_storage proxy_address, server_address;
static int listener;

/* A connection through the proxy. */
struct through {
    int client, server;
};

static void start(void)
{
    struct proxy_settings settings = {.live.direct = true, .handshake_ms = 60000, .keylog_path = "keys"};
    int error;
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    cr_assert(resolve_literal("127.0.0.1", 0, &settings.listen));
    proxy = proxy_new(&settings, &error);
    cr_assert_not_null(proxy);
    cr_assert_eq(proxy_decrypt(proxy), 0);
    recorder = recorder_open("session", true, &error);
    cr_assert_not_null(recorder);
    proxy_start(proxy, recorder);
    socklen_t len = sizeof proxy_address;
    cr_assert_eq(getsockname(proxy->listen_fd, (struct sockaddr *)&proxy_address, &len), 0);
    listener = loopback_listen("127.0.0.1", 0, &server_address);
}

/* Send `len` bytes from `from` and run the proxy until `to` has got them all. */
static void pass(int from, int to, const uint8_t *data, size_t len)
{
    static uint8_t bytes[65536];
    size_t sent = 0, got = 0;
    while (got < len) {
        ssize_t n = sent < len ? send(from, data + sent, len - sent, MSG_DONTWAIT) : 0;
        cr_assert(n >= 0 || errno == EAGAIN);
        sent += n > 0 ? (size_t)n : 0;
        n = recv(to, bytes, sizeof bytes, MSG_DONTWAIT);
        cr_assert(n > 0 || (n < 0 && errno == EAGAIN), "the end came early");
        got += n > 0 ? (size_t)n : 0;
        if (n < 0)
            proxy_turn(proxy);
    }
}

static void begin(struct through *through)
{
    uint16_t port = ntohs(((const struct sockaddr_in *)&server_address)->sin_port);
    uint8_t request[] = {5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(port >> 8), (uint8_t)port};
    through->client = loopback_connect(&proxy_address);
    cr_assert_eq(send(through->client, request, sizeof request, 0), (ssize_t)sizeof request);
    uint8_t answer[2 + 10];
    for (size_t n = 0; n < sizeof answer;) {
        ssize_t got = recv(through->client, answer + n, sizeof answer - n, MSG_DONTWAIT);
        if (got > 0)
            n += (size_t)got;
        else
            proxy_turn(proxy);
    }
    through->server = accept(listener, NULL, NULL);
    cr_assert_geq(through->server, 0);
}

/* Let the peers say the blocks from `first` up to, but not with, `end`. */
static void say(const struct through *through, const struct connection *connection, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const struct block *block = &connection->blocks[i];
        bool client = block->direction == MITM__DIRECTION__TO_SERVER;
        if (block->bytes.len > 0)
            pass(client ? through->client : through->server, client ? through->server : through->client,
                 block->bytes.data, block->bytes.len);
    }
}

/* Close both sockets, and run the proxy until it has seen that. */
static void hang_up(const struct through *through)
{
    uint64_t open = proxy->stats.open;
    close(through->client);
    close(through->server);
    while (proxy->stats.open == open)
        proxy_turn(proxy);
}

static void log_keys(const struct connection *connection)
{
    FILE *file = fopen("keys", "a");
    cr_assert_not_null(file);
    for (size_t i = 0; i < connection->lines_n; i++)
        fprintf(file, "%.*s\n", (int)connection->lines[i].len, (const char *)connection->lines[i].data);
    cr_assert_eq(fclose(file), 0);
}

/* End the session; return its events as text. */
static const char *finish(void)
{
    Mitm__SessionEnd end = MITM__SESSION_END__INIT;
    struct recorder_stats stats;
    proxy_finish(proxy);
    cr_assert_eq(recorder_close(recorder, 0, &end, &stats), 0);
    proxy_free(proxy);
    close(listener);
    const char *text = session_text("session");
    unlink("session");
    unlink("keys");
    rmdir(folder);
    return text;
}

TestSuite(decrypting, .timeout = 120);

/* What came in a pause is not recorded, also if its keys come when the pause is over. */
Test(decrypting, pause_while_records_wait)
{
    struct connection *connection = connection_read("13_aes128");
    struct through through;
    start();
    begin(&through);
    say(&through, connection, 0, 3);
    proxy_pause(proxy, true, MITM__SETTINGS_ORIGIN__VIEW);
    say(&through, connection, 3, connection->blocks_n);
    proxy_pause(proxy, false, MITM__SETTINGS_ORIGIN__VIEW);
    log_keys(connection);
    hang_up(&through);
    const char *text = finish();
    connection_free(connection);
    assert_has(text, "ConnectionEnd");
    assert_has(text, "TlsServerHello");
    assert_has(text, "TlsDecryption status=DECRYPTED");
    assert_lacks(text, "OpaqueData");
}

/* A connection that began and ended in a pause leaves no trace. */
Test(decrypting, connection_within_a_pause)
{
    struct connection *connection = connection_read("13_aes128");
    struct through through;
    start();
    proxy_pause(proxy, true, MITM__SETTINGS_ORIGIN__VIEW);
    begin(&through);
    say(&through, connection, 0, connection->blocks_n);
    hang_up(&through);
    proxy_pause(proxy, false, MITM__SETTINGS_ORIGIN__VIEW);
    log_keys(connection);
    const char *text = finish();
    connection_free(connection);
    assert_lacks(text, "ConnectionStart");
    assert_lacks(text, "TlsDecryption");
}

/* What has gathered is decrypted soon, also if nothing else comes. */
Test(decrypting, gathered)
{
    struct connection *connection = connection_read("13_aes128");
    struct through through;
    start();
    log_keys(connection);
    begin(&through);
    say(&through, connection, 0, connection->blocks_n);
    const struct conn *conn = TAILQ_FIRST(&proxy->conns);
    while (conn->decrypting.waits)
        proxy_turn(proxy);
    cr_assert_lt(clock_t_ns(&proxy->clock), UINT64_C(1000000) * DECRYPTING_WAIT_MS, "it was given up");
    hang_up(&through);
    const char *text = finish();
    connection_free(connection);
    assert_has(text, "OpaqueData direction=TO_SERVER");
    assert_has(text, "OpaqueData direction=TO_CLIENT");
}

/* What has gathered is recorded before the connection's end. */
Test(decrypting, gathered_before_the_end)
{
    struct connection *connection = connection_read("13_aes128");
    struct through through;
    start();
    log_keys(connection);
    begin(&through);
    say(&through, connection, 0, connection->blocks_n);
    hang_up(&through);
    const char *text = finish();
    connection_free(connection);
    assert_has(text, "OpaqueData direction=TO_SERVER");
    assert_has(text, "ConnectionEnd");
    assert_lacks(strstr(text, "ConnectionEnd"), " 1 ");
}

/* What has gathered when a pause begins is recorded, what gathers in it is not. */
Test(decrypting, gathered_before_a_pause)
{
    struct connection *connection = connection_read("13_aes128");
    struct through through;
    start();
    log_keys(connection);
    begin(&through);
    say(&through, connection, 0, 3);
    proxy_pause(proxy, true, MITM__SETTINGS_ORIGIN__VIEW);
    say(&through, connection, 3, connection->blocks_n);
    proxy_pause(proxy, false, MITM__SETTINGS_ORIGIN__VIEW);
    hang_up(&through);
    const char *text = finish();
    connection_free(connection);
    assert_has(text, "TlsDecryption status=DECRYPTED");
    assert_has(strstr(text, "TlsDecryption"), " Pause ");
    assert_lacks(text, "OpaqueData");
}

/* Records that no key will open: the connections that hold them all together hold more than is allowed. */
static void wait_in_vain(const struct connection *connection, struct through *through, size_t count)
{
    static uint8_t records[TLS_HOLD_MAX_BYTES * 9 / 10];
    const size_t record_bytes = 5 + 16384;
    memset(records, 'x', sizeof records);
    for (size_t at = 0; at + record_bytes <= sizeof records; at += record_bytes)
        memcpy(records + at, "\x17\x03\x03\x40", 5);
    for (size_t i = 0; i < count; i++) {
        begin(&through[i]);
        say(&through[i], connection, 0, 3);
        pass(through[i].server, through[i].client, records, sizeof records / record_bytes * record_bytes);
    }
}

/* Who has waited longest makes room for those whose keys may still come. */
Test(decrypting, room_for_new_connections)
{
    enum { OTHERS = DECRYPTING_HELD_MAX_BYTES / (TLS_HOLD_MAX_BYTES * 9 / 10) + 1 };
    struct connection *other = connection_read("13_aes256"), *connection = connection_read("13_aes128");
    struct through others[OTHERS], through;
    start();
    wait_in_vain(other, others, OTHERS);
    begin(&through);
    say(&through, connection, 0, connection->blocks_n);
    log_keys(connection);
    hang_up(&through);
    for (size_t i = 0; i < OTHERS; i++)
        hang_up(&others[i]);
    const char *text = finish();
    connection_free(connection);
    connection_free(other);
    const char *first = strstr(text, "TlsDecryption");
    cr_assert(first && strncmp(first - 3, " 1 TlsDecryption status=KEYS_TOO_LATE", 37) == 0, "%s", first);
    assert_has(text, " 18 ConnectionEnd");
    assert_has(text, " 19 TlsDecryption status=DECRYPTED");
}

/* However little each holds, connections that wait are not kept without end. */
Test(decrypting, room_for_many_connections)
{
    enum { MOST = DECRYPTING_HELD_MAX_BYTES / DECRYPTING_CONN_BYTES };
    struct connection *connection = connection_read("13_aes128");
    start();
    for (size_t i = 0; i < MOST; i++) {
        struct through through;
        begin(&through);
        say(&through, connection, 0, 2);
        hang_up(&through);
    }
    const char *text = finish();
    connection_free(connection);
    const char *first = strstr(text, "TlsDecryption");
    cr_assert(first && strncmp(first - 3, " 1 TlsDecryption status=KEYS_TOO_LATE", 37) == 0, "%s", first);
}

/* Let the peers shake hands as in TLS 1.3 with TLS_AES_128_GCM_SHA256; the secrets are those of log_made_keys(). */
static void shake_hands(const struct through *through, struct seal *server)
{
    static const uint8_t client_hello[] = "\x16\x03\x01\0\x36\x01\0\0\x32\x03\x03"
                                          "RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR"
                                          "\0\0\x02\x13\x01\x01\0\0\x07\0\x2b\0\x03\x02\x03\x04";
    static const uint8_t server_hello[] = "\x16\x03\x03\0\x32\x02\0\0\x2e\x03\x03"
                                          "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS"
                                          "\0\x13\x01\0\0\x06\0\x2b\0\x02\x03\x04";
    static const uint8_t finished[36] = "\x14\0\0\x20";
    uint8_t record[sizeof finished + SEAL_EXTRA_BYTES];
    struct seal client;
    pass(through->client, through->server, client_hello, sizeof client_hello - 1);
    pass(through->server, through->client, server_hello, sizeof server_hello - 1);
    seal_init(server, 0x22);
    pass(through->server, through->client, record, seal_record(server, 22, finished, sizeof finished, record));
    seal_init(&client, 0x11);
    pass(through->client, through->server, record, seal_record(&client, 22, finished, sizeof finished, record));
    seal_init(server, 0x44);
}

static void log_made_keys(void)
{
    static const char *const labels[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                         "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
    FILE *file = fopen("keys", "a");
    cr_assert_not_null(file);
    for (size_t i = 0; i < 4; i++) {
        fprintf(file, "%s ", labels[i]);
        for (size_t k = 0; k < TLS_RANDOM_BYTES; k++)
            fprintf(file, "%02x", 'R');
        fprintf(file, " ");
        for (size_t k = 0; k < SEAL_SECRET_BYTES; k++)
            fprintf(file, "%02x", (unsigned)(0x11 * (i + 1)));
        fprintf(file, "\n");
    }
    cr_assert_eq(fclose(file), 0);
}

/* Many small records wait; their keys come when the connection has ended, or, if `open`, before. */
static void much_that_waits(bool open)
{
    enum { RECORDS = 20000, RECORD_BYTES = 1 + SEAL_EXTRA_BYTES };
    static uint8_t records[RECORDS * RECORD_BYTES];
    struct through through;
    struct seal seal;
    start();
    begin(&through);
    shake_hands(&through, &seal);
    for (size_t i = 0; i < RECORDS; i++)
        seal_record(&seal, 23, (const uint8_t *)"x", 1, records + i * RECORD_BYTES);
    pass(through.server, through.client, records, sizeof records);
    if (!open)
        hang_up(&through);
    log_made_keys();
    uint64_t before = recorder_stats(recorder).events, events = before, most = 0;
    while (events < before + RECORDS) {
        proxy_turn(proxy);
        uint64_t now = recorder_stats(recorder).events;
        most = now - events > most ? now - events : most;
        events = now;
    }
    cr_assert_lt(most, RECORDS / 2, "%zu in one turn", (size_t)most);
    if (open)
        hang_up(&through);
    size_t got = 0;
    const char *text = finish(), *at = text;
    while ((at = strstr(at, "OpaqueData direction=TO_CLIENT len_bytes=1\n"))) {
        got++;
        at++;
    }
    cr_assert_eq(got, RECORDS);
    assert_has(text, "TlsDecryption status=DECRYPTED");
}

Test(decrypting, in_parts)
{
    much_that_waits(true);
}

Test(decrypting, in_parts_behind_the_end)
{
    much_that_waits(false);
}
