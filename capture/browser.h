/*
 * A browser under measurement: the installed Firefox or Chromium with a throw-away profile that sends everything
 * through the proxy, and nothing of its own. What changes how a page loads is left as it is: the browser measured is
 * the user's.
 *
 * Its files (profile, caches, home directory) lie in one folder in $TMPDIR, or in /tmp where there is no such name or
 * it is long (Chromium's sockets have to fit), which is removed when it has ended; the user's own profiles are not
 * touched. What it writes goes to a file there, not to the terminal. It runs in a process group of its own, and is
 * ended when this process dies.
 */
#ifndef MITM_CAPTURE_BROWSER_H
#define MITM_CAPTURE_BROWSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum browser_kind { BROWSER_NONE, BROWSER_FIREFOX, BROWSER_CHROMIUM };

struct browser;

/* Set *kind by its name, "firefox" or "chromium"; return false if it is another one. */
bool browser_kind_of(const char *name, enum browser_kind *kind) __attribute__((warn_unused_result));

/*
 * Return the address that the user meant by `text`, to be freed with free(): http://, https:// and about: addresses as
 * they are, anything else with http:// before it. NULL if it cannot be one: it is empty, begins with '-', has another
 * scheme, or holds spaces or control characters.
 */
char *browser_address(const char *text) __attribute__((warn_unused_result));

/*
 * Make the profile for a browser of `kind` that uses the SOCKS5 proxy at `proxy` ("127.0.0.1:9000"), shows `address`
 * (NULL: none), and http://mitm.proxy/ in a second tab if `view`; without windows if `headless`, or if there is no
 * display. Return NULL and store errno in *error if
 * that fails (ENOENT: it is not installed). The caller frees the result with browser_free().
 */
struct browser *browser_new(enum browser_kind kind, const char *proxy, const char *address, bool view, bool headless,
                            int *error) __attribute__((warn_unused_result));

/* End what still runs of the browser, remove its files and free it. NULL is allowed. */
void browser_free(struct browser *browser);

/* Return its command line, NULL-terminated; it belongs to `browser`. */
char *const *browser_words(const struct browser *browser);

/* Return the path of a file in its folder for a key log; it belongs to `browser`. */
const char *browser_keylog_path(const struct browser *browser);

/* Let it write the keys of its TLS connections to `keylog_path`. To be called before browser_start(). */
void browser_log_keys(struct browser *browser, const char *keylog_path);

/* Start it. Return 0, or the errno of the failure. */
int browser_start(struct browser *browser) __attribute__((warn_unused_result));

/*
 * Return whether it, with all processes that it has started in its group, has ended, without waiting; store the status
 * of the process that was started as a shell counts it. To be called after SIGCHLD.
 */
bool browser_ended(struct browser *browser, uint32_t *status);

/*
 * Write the last line of what it has written, or the end of that, to the `size` bytes at `line`; "" if there is none.
 * Control characters, and what is not ASCII, are replaced.
 */
void browser_last_line(const struct browser *browser, char *line, size_t size);

/* Ask all its processes to end (SIGTERM), or make them (SIGKILL). */
void browser_signal(const struct browser *browser, int number);

#endif
