#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cli.h"
#include "analyze/escape.h"
#include "analyze/format.h"
#include "analyze/intake.h"
#include "analyze/repair.h"

static const char help[] =
    "usage: mitm-analyze check [--repair OUT [--force]] FILE...\n"
    "\n"
    "Tells whether each file is whole, cut off (its end is missing) or damaged, where, and how much could be read.\n"
    "\n"
    "  -r, --repair OUT  write what is whole of FILE to OUT, so that OUT is whole: with Loss events where something "
    "is\n"
    "                    missing. If OUT ends in .zst, it is compressed\n"
    "      --force       OUT may exist already: replace it\n"
    "  -h, --help        print this\n"
    "      --version     print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input.\n"
    "Exit status: 0 all are whole; 1 one is not, or is no session; 2 wrong use; 3 a file cannot be read or written.\n";

enum { SHOWN_PLACES = 20 };

struct check {
    struct intake_damage places[SHOWN_PLACES];
    char messages[SHOWN_PLACES][160];
    size_t place_count;
    struct repair *repair; /* NULL: only check */
};

static void begin_file(void *ctx, const char *file)
{
    (void)file;
    struct check *check = ctx;
    check->place_count = 0;
}

static void record(void *ctx, const Mitm__Record *record, bool made)
{
    struct check *check = ctx;
    if (check->repair)
        repair_record(check->repair, record, made);
}

static void damage(void *ctx, const struct intake_damage *damage)
{
    struct check *check = ctx;
    size_t i = check->place_count++;
    if (i < SHOWN_PLACES) {
        check->places[i] = *damage;
        snprintf(check->messages[i], sizeof check->messages[i], "%s", damage->message ? damage->message : "");
    }
    if (check->repair && damage->truncated)
        repair_truncated(check->repair, damage->len_bytes);
}

static void print_places(const struct check *check)
{
    char offset[FORMAT_BYTES], len[FORMAT_BYTES];
    for (size_t i = 0; i < check->place_count && i < SHOWN_PLACES; i++) {
        const struct intake_damage *place = &check->places[i];
        printf("  at byte %s: ", format_count(offset, place->offset_bytes));
        if (check->messages[i][0])
            printf("%s\n", check->messages[i]);
        else if (place->truncated)
            printf("the last record is incomplete (%s bytes)\n", format_count(len, place->len_bytes));
        else
            printf("%s bytes that are no record\n", format_count(len, place->len_bytes));
    }
    if (check->place_count > SHOWN_PLACES)
        printf("  and %zu more places\n", check->place_count - SHOWN_PLACES);
}

static void print_missing(const struct intake_verdict *verdict)
{
    char count[FORMAT_BYTES];
    if (verdict->sessions_without_start > 0)
        printf("  %s: the first record is missing\n", verdict->sessions == 1 ? "session" : "a session");
    if (verdict->missing_records > 0)
        printf("  %s %s fewer than the end of the session counts\n", format_count(count, verdict->missing_records),
               verdict->missing_records == 1 ? "record" : "records");
    if (verdict->sessions_without_end > 0 && verdict->sessions == 1)
        printf("  at byte %s: the closing record is missing\n", format_count(count, verdict->stream_bytes));
    else if (verdict->sessions_without_end > 0)
        printf("  the closing record is missing in %" PRIu64 " of %" PRIu64 " sessions\n",
               verdict->sessions_without_end, verdict->sessions);
    if (verdict->loss_count > 0)
        printf("  while recording, or by an earlier repair, events were lost in %" PRIu64 " %s (%s of them counted)\n",
               verdict->loss_count, verdict->loss_count == 1 ? "place" : "places",
               format_count(count, verdict->lost_events));
}

/* Print a file's name, which may hold any character. */
static void print_name(const char *name)
{
    escape_print(stdout, (struct text){(const uint8_t *)name, (uint32_t)strlen(name)});
}

static void end_file(void *ctx, const struct intake_verdict *verdict)
{
    static const char *const words[] = {[INTAKE_WHOLE] = "whole",
                                        [INTAKE_CUT_OFF] = "cut off",
                                        [INTAKE_DAMAGED] = "damaged",
                                        [INTAKE_NOT_A_SESSION] = "not a session",
                                        [INTAKE_UNREADABLE] = "unreadable"};
    const struct check *check = ctx;
    if (verdict->state >= INTAKE_NOT_A_SESSION) {
        fflush(stdout);
        intake_warn(verdict);
        return;
    }
    char records[FORMAT_BYTES], bytes[FORMAT_BYTES], duration[FORMAT_BYTES];
    print_name(verdict->file);
    printf(": %s: %" PRIu64 " %s, %s records, %s bytes, %s\n", words[verdict->state], verdict->sessions,
           verdict->sessions == 1 ? "session" : "sessions", format_count(records, verdict->records),
           format_count(bytes, verdict->stream_bytes),
           format_duration(duration, verdict->duration_ns > INT64_MAX ? INT64_MAX : (int64_t)verdict->duration_ns));
    print_places(check);
    print_missing(verdict);
}

/* Return whether `out` is the file that is read as `in`. */
static bool same_file(const char *out, const char *in)
{
    struct stat x, y;
    bool both = stat(out, &x) == 0 && (strcmp(in, "-") == 0 ? fstat(STDIN_FILENO, &y) : stat(in, &y)) == 0;
    return both && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int finish_repair(struct repair *repair, const char *out, int code)
{
    uint64_t records;
    char count[FORMAT_BYTES];
    int error = repair_finish(repair, &records);
    if (error) {
        cli_warn("%s: %s%s", out, strerror(error), error == EEXIST ? "; --force replaces it" : "");
        return CLI_IO;
    }
    if (records == 0) {
        cli_warn("%s was not written: there is nothing whole to write", out);
        return code == CLI_OK ? CLI_NO : code;
    }
    print_name(out);
    printf(": written with %s records\n", format_count(count, records));
    return code;
}

static int check_files(const char *const *paths, size_t n, const char *out, bool force)
{
    struct check check = {0};
    if (out)
        check.repair = repair_new(out, force);
    const struct intake_handler handler = {
        .ctx = &check, .begin_file = begin_file, .record = record, .damage = damage, .end_file = end_file};
    enum intake_state state = intake_run(paths, n, &handler);
    int code = state == INTAKE_WHOLE ? CLI_OK : state == INTAKE_UNREADABLE ? CLI_IO : CLI_NO;
    if (out)
        code = finish_repair(check.repair, out, code);
    return cli_finish_output(code);
}

static int run(int argc, char **argv)
{
    enum { FORCE = CLI_FIRST_OWN };
    static const struct option options[] = {{"repair", required_argument, NULL, 'r'},
                                            {"force", no_argument, NULL, FORCE},
                                            CLI_COMMON_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    const char *out = NULL;
    bool force = false;
    for (int option; (option = getopt_long(argc, argv, ":r:h", options, NULL)) != -1;) {
        if (option == 'r')
            out = optarg;
        else if (option == FORCE)
            force = true;
        else
            return cli_common_option(&cmd_check, option, argv);
    }
    if (optind == argc)
        return cli_usage(&cmd_check, "name a session file");
    if (out && argc - optind > 1)
        return cli_usage(&cmd_check, "--repair takes one file at a time");
    if (out && same_file(out, argv[optind]))
        return cli_usage(&cmd_check, "--repair would overwrite the file that it reads: name another one");
    if (force && !out)
        return cli_usage(&cmd_check, "--force goes with --repair");
    return check_files((const char *const *)argv + optind, (size_t)(argc - optind), out, force);
}

const struct cli_verb cmd_check = {"check", "whether files are whole, cut off or damaged; repairs them", help, run};
