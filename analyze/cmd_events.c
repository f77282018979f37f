#include <stdio.h>

#include "analyze/cli.h"
#include "analyze/intake.h"

static const char help[] =
    "usage: mitm-analyze events [--format text|jsonl] FILE...\n"
    "\n"
    "Prints every event on a line of its own. Data of bodies are shown by their length in text, as base64 in jsonl.\n"
    "\n"
    "  -f, --format text|jsonl  text: seconds, connection, event, fields (the default); jsonl: a JSON object per line\n"
    "  -h, --help               print this\n"
    "      --version            print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input. Exit status: 0, 2 wrong use, 3 unreadable file.\n";

static void print_text(void *ctx, const Mitm__Record *record, bool made)
{
    if (!made)
        event_print_text(ctx, record);
}

static void print_json(void *ctx, const Mitm__Record *record, bool made)
{
    if (!made)
        event_print_json(ctx, record);
}

static void end_file(void *ctx, const struct intake_verdict *verdict)
{
    fflush(ctx);
    intake_warn(verdict);
}

static bool go_on(void *ctx)
{
    return !ferror((FILE *)ctx);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'}, CLI_COMMON_OPTIONS, {NULL, 0, NULL, 0}};
    static const char *const formats[] = {"text", "jsonl"};
    int format = 0;
    for (int option; (option = getopt_long(argc, argv, ":f:h", options, NULL)) != -1;) {
        if (option != 'f')
            return cli_common_option(&cmd_events, option, argv);
        if (!cli_choice(optarg, formats, sizeof formats / sizeof *formats, &format))
            return cli_usage(&cmd_events, "--format is text or jsonl, not '%s'", optarg);
    }
    if (optind == argc)
        return cli_usage(&cmd_events, "name a session file");
    const struct intake_handler handler = {.ctx = stdout,
                                           .record = format == 0 ? print_text : print_json,
                                           .end_file = end_file,
                                           .go_on = go_on,
                                           .prints = true};
    enum intake_state state = intake_run((const char *const *)argv + optind, (size_t)(argc - optind), &handler);
    return cli_finish_output(state >= INTAKE_NOT_A_SESSION ? CLI_IO : CLI_OK);
}

const struct cli_verb cmd_events = {"events", "every event, one per line", help, run};
