#include "analyze/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Print a message on stderr as one line; file names may hold any character. */
static void print_line(const char *before, const char *after, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void print_line(const char *before, const char *after, const char *format, va_list arguments)
{
    char message[1024];
    vsnprintf(message, sizeof message, format, arguments);
    fprintf(stderr, "mitm-analyze%s%s: ", before[0] ? " " : "", before);
    for (const char *p = message; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            fprintf(stderr, "\\x%02X", (unsigned char)*p);
        else
            putc(*p, stderr);
    }
    fprintf(stderr, "%s\n", after);
}

void cli_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line("", "", format, arguments);
    va_end(arguments);
}

int cli_usage(const struct cli_verb *verb, const char *format, ...)
{
    char after[96];
    snprintf(after, sizeof after, " (mitm-analyze %s --help explains)", verb->name);
    va_list arguments;
    va_start(arguments, format);
    print_line(verb->name, after, format, arguments);
    va_end(arguments);
    return CLI_USAGE;
}

int cli_print_version(void)
{
    puts("mitm-analyze " MITM_VERSION);
    return cli_finish_output(CLI_OK);
}

int cli_common_option(const struct cli_verb *verb, int option, char **argv)
{
    switch (option) {
    case CLI_HELP:
        fputs(verb->help, stdout);
        return cli_finish_output(CLI_OK);
    case CLI_VERSION:
        return cli_print_version();
    case ':':
        return cli_usage(verb, "%s needs a value", argv[optind - 1]);
    default:
        if (optopt == CLI_HELP || optopt > UINT8_MAX) /* it is known */
            return cli_usage(verb, "%s: there is no value to give", argv[optind - 1]);
        return cli_usage(verb, "there is no option %s", optopt ? (char[]){'-', (char)optopt, '\0'} : argv[optind - 1]);
    }
}

bool cli_choice(const char *word, const char *const *words, size_t n, int *index)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(word, words[i]) == 0) {
            *index = (int)i;
            return true;
        }
    }
    return false;
}

bool cli_number(const char *word, uint64_t max, uint64_t *number)
{
    if (word[0] < '0' || word[0] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(word, &end, 10);
    *number = value;
    return errno == 0 && *end == '\0' && value <= max;
}

bool cli_seconds(const char *word, int64_t *ns)
{
    enum { DECIMALS = 9 };
    const char *p = word;
    uint64_t seconds = 0, fraction = 0;
    int decimals = 0;
    for (; *p >= '0' && *p <= '9' && seconds < 1000000000; p++)
        seconds = seconds * 10 + (uint64_t)(*p - '0');
    bool digits = p > word;
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9' && decimals < DECIMALS; p++, decimals++)
            fraction = fraction * 10 + (uint64_t)(*p - '0');
        digits |= decimals > 0;
    }
    for (; decimals < DECIMALS; decimals++)
        fraction *= 10;
    *ns = (int64_t)(seconds * 1000000000 + fraction);
    return digits && (*p == '\0' || strcmp(p, "s") == 0) && seconds < 1000000000;
}

int cli_finish_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno == EPIPE) /* nobody reads on: that is not our concern */
        return code;
    cli_warn("cannot write the output: %s", strerror(errno));
    return CLI_IO;
}

size_t cli_columns(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}
