/*
 * How the view asks the proxy for a change: one message each way over a SOCK_SEQPACKET socket.
 *
 * Request: "NUMBER\n" and then lines "NAME=VALUE\n", the values without control characters, at most CONTROL_MAX_BYTES
 * in all. Answer: "NUMBER ok\n", and an event in the session says so soon; "NUMBER same\n", if all was so already; or
 * "NUMBER " and one line that says what is wrong; then nothing has been changed.
 * NUMBER is chosen by the view, so that it can tell the answer to another request (of a view that has died) from its
 * own.
 *
 * Names, with values as on the command line of mitm-proxy ("" or "none": back to none):
 *   connect-delay, request-delay   "300ms", "200ms..500ms", "1.5s"
 *   seed                           whole number
 *   rate-down, rate-up, rate-down-total, rate-up-total   "50K", "1M": bytes per second
 *   upstream                       "socks" (the proxy that was named at the start, or Tor's usual address), "direct"
 *   headers                        "first", "all"
 *   mark                           text: records a Mark
 *   recording                      "pause", "resume"
 */
#ifndef MITM_VIEW_CONTROL_H
#define MITM_VIEW_CONTROL_H

#define CONTROL_MAX_BYTES 4096

/* What became of a request. */
enum control_result {
    CONTROL_REFUSED, /* something is wrong; nothing has been changed */
    CONTROL_SAME,    /* all was so already: no event is recorded */
    CONTROL_CHANGED  /* Settings, Mark, Pause or Resume is recorded */
};

#endif
