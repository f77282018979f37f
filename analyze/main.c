/* mitm-analyze: what recorded sessions show. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyze/cli.h"
#include "compare/cmd_compare.h"
#include "figures/cmd_figure.h"
#include "view/cmd_serve.h"

static const struct cli_verb *const verbs[] = {&cmd_stats, &cmd_compare,     &cmd_timeline, &cmd_figure, &cmd_report,
                                               &cmd_serve, &cmd_connections, &cmd_events,   &cmd_check};
enum { VERBS = sizeof verbs / sizeof *verbs };

static int print_help(void)
{
    puts("usage: mitm-analyze VERB [OPTION...] FILE...\n"
         "\n"
         "Shows what mitm-proxy recorded.\n");
    for (size_t i = 0; i < VERBS; i++)
        printf("  %-12s %s\n", verbs[i]->name, verbs[i]->summary);
    puts("\n"
         "  --help       print this; mitm-analyze VERB --help explains a verb\n"
         "  --version    print the version\n"
         "\n"
         "Exit status: 0; 1 the answer is no; 2 wrong use; 3 a file cannot be read or written.");
    return cli_finish_output(CLI_OK);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_DFL); /* "| head" ends the program quietly, even where the parent ignores the signal */
    opterr = 0;
    if (argc < 2) {
        fputs("mitm-analyze: name a verb: ", stderr);
        for (size_t i = 0; i < VERBS; i++)
            fprintf(stderr, "%s%s", i == 0 ? "" : i + 1 < VERBS ? ", " : " or ", verbs[i]->name);
        fputs(" (mitm-analyze --help explains)\n", stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0)
        return cli_print_version();
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(argv[1], verbs[i]->name) == 0)
            return verbs[i]->run(argc - 1, argv + 1);
    }
    cli_warn("there is no verb '%s' (mitm-analyze --help lists them)", argv[1]);
    return CLI_USAGE;
}
