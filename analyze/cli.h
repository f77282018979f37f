/* What the verbs of mitm-analyze share: exit codes, messages, options that all of them have. */
#ifndef MITM_ANALYZE_CLI_H
#define MITM_ANALYZE_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLI_OK = 0,
    CLI_NO = 1,    /* the answer is no */
    CLI_USAGE = 2, /* wrong use */
    CLI_IO = 3     /* a file cannot be read or written */
};

/* A verb; `run` gets its arguments, with its name as argv[0], and returns an exit code. */
struct cli_verb {
    const char *name;
    const char *summary; /* one line of the overall help */
    const char *help;    /* all of --help */
    int (*run)(int argc, char **argv);
};

extern const struct cli_verb cmd_stats, cmd_connections, cmd_timeline, cmd_report, cmd_events, cmd_check;

/* Print "mitm-analyze: …" as one line to stderr; control characters are escaped. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print "mitm-analyze VERB: … (mitm-analyze VERB --help explains)" to stderr; return CLI_USAGE. */
int cli_usage(const struct cli_verb *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What getopt_long() returns for the options that every verb has. */
enum { CLI_HELP = 'h', CLI_VERSION = 256, CLI_FIRST_OWN = 257 }; /* a verb's own long options begin with the last */
#define CLI_COMMON_OPTIONS                                                                                             \
    {"help", no_argument, NULL, CLI_HELP},                                                                             \
    {                                                                                                                  \
        "version", no_argument, NULL, CLI_VERSION                                                                      \
    }

/*
 * Handle what a verb's getopt_long() returned and the verb does not know itself: --help, --version, an unknown option,
 * a missing argument. Return the exit code. (The short options must begin with ':'.)
 */
int cli_common_option(const struct cli_verb *verb, int option, char **argv);

/* Print the program's version; return CLI_OK. */
int cli_print_version(void);

/* Set *index to that of `word` among the `n` words; return false if it is none of them. */
bool cli_choice(const char *word, const char *const *words, size_t n, int *index);

/* Read a whole number up to `max`; return false if `word` is none. */
bool cli_number(const char *word, uint64_t max, uint64_t *number);

/* Read a time in seconds with up to nine decimals ("4.25"); return false if `word` is none. */
bool cli_seconds(const char *word, int64_t *ns);

/* Flush stdout. Return `code`, or CLI_IO, with a message, if not everything could be written. */
int cli_finish_output(int code);

/* Return how many columns stdout has, or 0 if it is no terminal. */
size_t cli_columns(void);

#endif
