/* What makes a browser quiet and use the proxy: Firefox's preferences, Chromium's switches. Only browser.c uses it. */
#ifndef MITM_CAPTURE_BROWSER_PROFILE_H
#define MITM_CAPTURE_BROWSER_PROFILE_H

#include <stdbool.h>

/* Write user.js into the folder `profile` for the SOCKS5 proxy at `host`, `port`. Return 0, or the errno of the
 * failure. */
int browser_profile_firefox(const char *profile, const char *host, unsigned port) __attribute__((warn_unused_result));

/* Chromium's switches that are the same for every profile, NULL-terminated. */
extern const char *const browser_profile_chromium[];

#endif
