/* Runs the program itself: exit codes, messages, where output goes. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../replay/builder.h"

struct result {
    int code;
    char output[65536]; /* stdout and stderr */
    size_t lines;
};

/* Run "mitm-analyze ARGUMENTS" in a shell. */
static struct result run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static struct result run(const char *format, ...)
{
    char arguments[2048], command[4096];
    va_list list;
    va_start(list, format);
    vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    snprintf(command, sizeof command, "{ '" MITM_ANALYZE "' %s ; } 2>&1", arguments);
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    struct result result = {0};
    size_t n = fread(result.output, 1, sizeof result.output - 1, pipe);
    result.output[n] = '\0';
    int status = pclose(pipe);
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    for (size_t i = 0; i < n; i++)
        result.lines += result.output[i] == '\n';
    return result;
}

static const char article[] = SAMPLES "/article.mitm";

static void expect(const struct result *result, int code, const char *part)
{
    cr_expect_eq(result->code, code, "exit status %d, not %d: %s", result->code, code, result->output);
    cr_expect(strstr(result->output, part), "'%s' is missing in: %s", part, result->output);
}

Test(cli, help_and_version)
{
    static const char *const verbs[] = {"", "stats", "connections", "events", "check", "timeline"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        struct result result = run("%s --help", verbs[i]);
        expect(&result, 0, "usage: mitm-analyze");
        result = run("%s --version", verbs[i]);
        expect(&result, 0, "mitm-analyze " MITM_VERSION "\n");
        cr_expect_eq(result.lines, 1);
    }
}

Test(cli, wrong_use_is_one_line_and_status_2)
{
    static const struct {
        const char *arguments, *part;
    } uses[] = {
        {"", "name a verb: stats, compare, timeline, figure, report, "},
        {"frobnicate", "no verb 'frobnicate'"},
        {"stats", "name a session file"},
        {"stats --format xml x", "text, json, csv, markdown or latex, not 'xml'"},
        {"stats --by host x", "request, connection, server, page or session, not 'host'"},
        {"stats --page-gap 0 x", "a time in seconds above 0, not '0'"},
        {"stats --page-gap -1 x", "a time in seconds above 0, not '-1'"},
        {"stats --quantile-type 0 x", "from 1 to 9, not '0'"},
        {"stats --quantile-type 10 x", "from 1 to 9, not '10'"},
        {"stats --nonsense x", "no option --nonsense"},
        {"stats -q x", "no option -q"},
        {"stats -V x", "no option -V"},
        {"stats --help=x x", "--help=x: there is no value to give"},
        {"check --force=x y", "--force=x: there is no value to give"},
        {"stats --format", "needs a value"},
        {"connections --id -1 x", "--id"},
        {"connections --headers some x", "first or all"},
        {"events --format xml x", "text or jsonl"},
        {"check", "name a session file"},
        {"check --repair a b c", "one file at a time"},
        {"check --force x", "--repair"},
        {"timeline x", "-o OUT.svg"},
        {"timeline -o x.gif x", ".svg, .png or .pdf"},
        {"timeline -o x.svg --from 5 --to 4 x", "later"},
        {"timeline -o x.svg --from x x", "number of seconds"},
        {"timeline -o x.svg a b", "one session file"},
    };
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        struct result result = run("%s", uses[i].arguments);
        expect(&result, 2, uses[i].part);
        cr_expect_eq(result.lines, 1, "%s", uses[i].arguments);
    }
}

Test(cli, unreadable_files)
{
    struct result result = run("stats /nonexistent/x.mitm");
    expect(&result, 3, "No such file or directory");
    result = run("stats /tmp");
    expect(&result, 3, "a directory");
    result = run("events %s", __FILE__);
    expect(&result, 3, "not a session: text");
    result = run("check %s", __FILE__);
    expect(&result, 1, "not a session: text");
    result = run("check /nonexistent/x.mitm");
    expect(&result, 3, "No such file or directory");
    result = run("stats '%s' > /dev/full", article);
    expect(&result, 3, "cannot write the output");
    /* Output that fails is no reason to say anything of the file. */
    struct builder builder = {.session = 7};
    builder_start(&builder);
    builder_fill(&builder, 2000);
    builder_end(&builder, 5000000000);
    char *path = builder_file(builder.data, builder.len);
    result = run("events %s > /dev/full", path);
    expect(&result, 3, "cannot write the output");
    cr_expect_eq(result.lines, 1, "%s", result.output);
    unlink(path);
    free(path);
    builder_fini(&builder);
}

Test(cli, the_article)
{
    struct result result = run("check '%s'", article);
    expect(&result, 0, "whole: 1 session, 13 records");
    result = run("connections --id 435 '%s'", article);
    expect(&result, 0, "010.390  HttpRequestStart     GET /wp-content/themes/graphene/images/sprite_h.png HTTP/1.1\n");
    result = run("connections --id 436 '%s'", article);
    expect(&result, 1, "no connection 436");
    result = run("stats '%s'", article);
    expect(&result, 0, "there are still open connections");
    /* R: mean(c(4.293 - 1.292, 7.318 - 5.333, 12.338 - 10.390)) = 2.3113333 */
    expect(&result, 0, "2.311 s");
    /* From ConnectionStart, 000.249, to the last response's end, 012.338; its first byte came at 004.293. */
    result = run("stats --by page --format csv '%s'", article);
    expect(&result, 0, "\r\n1,1,pause,,freedomboxblog.nl,80,/,249000000,12089000000,4044000000,");
    result = run("stats --by session '%s' --format markdown --page-gap 1.5s --quantile-type 6", article);
    expect(&result, 0, "| page load time | 12.1 s |");
    result = run("stats --by server '%s' > /dev/full", article);
    expect(&result, 3, "cannot write the output");
    result = run("events '%s'", article);
    expect(&result, 0, "435 SocksRequestStart");
    cr_expect_eq(result.lines, 13);
    result = run("events --format jsonl < '%s' -", article);
    cr_expect_eq(result.lines, 13);
}

/* The names of files are escaped too. */
Test(cli, names_of_files_cannot_move_the_cursor)
{
    struct builder builder = {.session = 7};
    builder_start(&builder);
    builder_end(&builder, 1000000);
    char *path = builder_file(builder.data, builder.len), named[256];
    snprintf(named, sizeof named, "%s\x1b[31m", path);
    cr_assert_eq(rename(path, named), 0);
    static const char *const verbs[] = {"check", "stats", "stats --format csv", "stats --format json"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        struct result result = run("%s '%s'", verbs[i], named);
        cr_expect_eq(result.code, 0);
        cr_expect(!strchr(result.output, '\x1b'), "%s: %s", verbs[i], result.output);
    }
    unlink(named);
    free(path);
    builder_fini(&builder);
}

Test(cli, a_closed_pipe_is_quiet)
{
    struct result result = run("stats '%s' | head -n 1", article);
    expect(&result, 0, "Session 1");
    cr_expect_eq(result.lines, 1);
}

/* A damaged file gives its report, and one line of warning. */
Test(cli, damage_is_one_line)
{
    struct builder builder = {.session = 7};
    builder_start(&builder);
    builder_fill(&builder, 20);
    builder_end(&builder, 50000000);
    builder.data[builder.ends[5] + 4] ^= 1;
    builder.data[builder.ends[9] + 4] ^= 1;
    char *damaged = builder_file(builder.data, builder.len);
    char *cut = builder_file(builder.data, builder.ends[4] + 3);
    struct result result = run("stats %s > /dev/null", damaged);
    expect(&result, 0, "damaged from byte");
    cr_expect_eq(result.lines, 1);
    result = run("stats %s > /dev/null", cut);
    expect(&result, 0, "cut off");
    cr_expect_eq(result.lines, 1);
    result = run("check %s", damaged);
    expect(&result, 1, "damaged: 1 session, 20 records");
    result = run("stats %s", damaged);
    expect(&result, 0, "  records     20\n");
    result = run("stats --format json %s", damaged);
    expect(&result, 0, "\"whole\":false");
    result = run("check %s", cut);
    expect(&result, 1, "the last record is incomplete (3 bytes)");
    result = run("check --repair %s %s", cut, damaged);
    expect(&result, 3, "--force replaces it");
    result = run("check --force --repair %s %s", damaged, damaged);
    expect(&result, 2, "would overwrite");
    result = run("check --force --repair %s - < %s", damaged, damaged);
    expect(&result, 2, "would overwrite");
    result = run("check --force --repair %s %s", cut, damaged);
    expect(&result, 1, "written with 22 records"); /* 20 of 22 were whole, and two losses */
    result = run("check %s", cut);
    expect(&result, 0, "whole: 1 session, 22 records");
    unlink(damaged);
    unlink(cut);
    free(damaged);
    free(cut);
    builder_fini(&builder);
}

/* RFC 8878, 3.1.1.1.2: a window of 2 GiB (exponent 21, mantissa 0), more than is read; the warning tells why. */
Test(cli, a_window_too_large_is_told)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00};
    char *path = builder_file(frame, sizeof frame);
    struct result result = run("stats %s", path);
    cr_expect(strstr(result.output, "too much memory"), "%s", result.output);
    cr_expect_eq(result.lines, 1);
    unlink(path);
    free(path);
}

Test(cli, timeline)
{
    char *path = builder_file("", 0);
    static const struct {
        const char *ending, *begins;
    } formats[] = {{"svg", "<?xml"}, {"png", "\x89PNG"}, {"pdf", "%PDF"}};
    for (size_t i = 0; i < 3; i++) {
        char out[256], head[5] = "";
        snprintf(out, sizeof out, "%s.%s", path, formats[i].ending);
        struct result result = run("timeline -o %s '%s'", out, article);
        cr_expect_eq(result.code, 0, "%s", result.output);
        cr_expect_eq(result.lines, 0, "%s", result.output);
        FILE *file = fopen(out, "rb");
        cr_assert_not_null(file);
        cr_expect_eq(fread(head, 1, 4, file), 4);
        cr_expect_eq(strncmp(head, formats[i].begins, 4), 0);
        fclose(file);
        unlink(out);
    }
    struct result result = run("timeline --server nowhere.example -o %s.svg '%s'", path, article);
    expect(&result, 1, "no connection to 'nowhere.example'");
    result = run("timeline --connection 77 -o %s.svg '%s'", path, article);
    expect(&result, 1, "no connection 77 (");
    result = run("timeline --from 100 -o %s.svg '%s'", path, article);
    expect(&result, 1, "nothing happens in this period");
    result = run("timeline --session 2 -o %s.svg '%s'", path, article);
    expect(&result, 1, "no session 2, the last is 1");
    result = run("timeline -o /nonexistent/x.svg '%s'", article);
    expect(&result, 3, "No such file or directory");
    unlink(path);
    free(path);
}
