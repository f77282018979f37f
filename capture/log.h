/* Messages to the user: lines on standard error, and the status line of a terminal, which they must not tear. */
#ifndef MITM_CAPTURE_LOG_H
#define MITM_CAPTURE_LOG_H

/* Print "mitm-proxy: " and the message, formatted as by printf(3), as one line. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Show `text` as the status line, in place of the one before. An empty text removes it. */
void log_status(const char *text);

#endif
