/* A recorded session as text, for tests of whole proxies. */
#ifndef MITM_TESTS_SESSION_TEXT_H
#define MITM_TESTS_SESSION_TEXT_H

/* Return the events of the session file `path`, one per line; the text is valid until the next call. */
const char *session_text(const char *path);

/* Fail the test unless `text` has `what`, or unless it lacks it. */
void assert_has(const char *text, const char *what);
void assert_lacks(const char *text, const char *what);

#endif
