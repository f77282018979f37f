/* The measures of TLS, HTTP/2 and WebSocket; measures.c has them in its register. NAN: missing. */
#ifndef MITM_ANALYZE_MEASURES_PROTOCOLS_H
#define MITM_ANALYZE_MEASURES_PROTOCOLS_H

#include "analyze/measures.h"

/* Of connections. */
double measures_tls(const struct measure_subject *subject);
double measures_tls_exact(const struct measure_subject *subject);
double measures_tls_inferred(const struct measure_subject *subject);
double measures_inferred_waiting(const struct measure_subject *subject);
double measures_inferred_transfer(const struct measure_subject *subject);
double measures_turns(const struct measure_subject *subject);
double measures_ping(const struct measure_subject *subject);

/* Of requests. */
double measures_stalled(const struct measure_subject *subject);
double measures_messages(const struct measure_subject *subject);
double measures_message_bytes(const struct measure_subject *subject);

#endif
