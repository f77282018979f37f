/*
 * One client's connection, from its acceptance to its end: the SOCKS handshake with client and upstream, then the
 * relay.
 *
 * With an upstream the handshake is passed on message by message, so that the upstream chooses the method, judges the
 * credentials and answers the request as it would without us. Data are forwarded first, then decoded and recorded.
 * Back-pressure: no more is read from one side while the other has not taken everything. A FIN is passed on as a FIN,
 * a reset as a reset.
 *
 * A connection to the live view (capture/viewlink.h) ends at the view's process and is none of the measurement's. That
 * is known with the SOCKS request: what happens before is held, and recorded when the connection is another one.
 */
#ifndef MITM_CAPTURE_CONN_H
#define MITM_CAPTURE_CONN_H

#include "capture/proxy.h"

/* How long we wait for a client to close after an error reply, so that a reset does not overtake it. */
#define CONN_LINGER_MS 2000

/*
 * Begin the connection on `fd`, which was accepted from `client` and now belongs to it. It appends itself
 * to proxy->conns and frees itself by way of proxy->dead.
 */
void conn_start(struct proxy *proxy, int fd, const struct sockaddr_storage *client);

/* End `conn` because the recording ends. */
void conn_end(struct conn *conn);

/* Free the connections in proxy->dead. */
void conn_reap(struct proxy *proxy);

#endif
