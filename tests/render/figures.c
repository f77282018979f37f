#include "figures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MS INT64_C(1000000)

enum { SOCKS, TLS, WAITING, TRANSFER, DELAY, PHASES };

static const char *const hostile_texts[] = {
    "<script>alert('x')</script> & \"quotes\"",
    "evil\xe2\x80\xaegro.elpmaxe\xe2\x80\xac.org",
    "bad utf-8 \xff\xfe\xc3 \xed\xa0\x80 end",
    "controls \x01\x1b[31m\r\n\t\x7f",
    "Zalgo Z\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86\xcc\x87\xcc\x88",
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80 \xef\xb7\xbd",
    "]]>--></svg></title></map>",
    "http://evil.example/\\(dest='x')",
    "",
    "                                                                                            x",
};

/* Return `size` zeroed bytes that live as long as `test`. */
static void *block(struct test_figure *test, size_t size)
{
    void *memory = calloc(1, size + 1);
    test->blocks = realloc(test->blocks, (test->block_count + 1) * sizeof *test->blocks);
    if (!memory || !test->blocks)
        abort();
    test->blocks[test->block_count++] = memory;
    return memory;
}

static struct figure_text format(struct test_figure *test, const char *pattern, ...)
    __attribute__((format(printf, 2, 3)));

static struct figure_text format(struct test_figure *test, const char *pattern, ...)
{
    char *string = block(test, 200);
    va_list arguments;
    va_start(arguments, pattern);
    vsnprintf(string, 200, pattern, arguments);
    va_end(arguments);
    return figure_text(string);
}

void figures_free(struct test_figure *test)
{
    for (size_t i = 0; i < test->block_count; i++)
        free(test->blocks[i]);
    free(test->blocks);
    free(test);
}

/* Random numbers: xorshift64*. */
struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *dice)
{
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return dice->state * UINT64_C(2685821657736338717);
}

/* Return a random number in 0 … end-1. */
static int64_t roll_below(struct dice *dice, int64_t end)
{
    return end > 0 ? (int64_t)(roll(dice) % (uint64_t)end) : 0;
}

/* Return a long text of the letter 'w', or one of the hostile texts. */
static struct figure_text hostile_text(struct test_figure *test, struct dice *dice)
{
    size_t count = sizeof hostile_texts / sizeof *hostile_texts;
    size_t which = (size_t)roll_below(dice, (int64_t)count + 2);
    if (which < count)
        return figure_text(hostile_texts[which]);
    if (which == count)
        return (struct figure_text){"nul\0inside", 10};
    size_t len = (size_t)roll_below(dice, 20000);
    char *string = block(test, len);
    memset(string, 'w', len);
    return (struct figure_text){string, len};
}

/* Return a time anywhere, also far outside of the figure. */
static int64_t hostile_time(struct dice *dice, int64_t length_ns)
{
    switch (roll_below(dice, 6)) {
    case 0:
        return INT64_MIN;
    case 1:
        return INT64_MAX;
    case 2:
        return -roll_below(dice, length_ns);
    default:
        return roll_below(dice, 2 * length_ns);
    }
}

static const struct figure_phase palette[PHASES] = {
    [SOCKS] = {{"SOCKS (circuit, DNS, TCP)", 25}, {"SOCKS", 5}, FIGURE_COLOR_SOCKS, false},
    [TLS] = {{"TLS handshake", 13}, {"TLS", 3}, FIGURE_COLOR_TLS, false},
    [WAITING] = {{"waiting for the response", 24}, {"waiting", 7}, FIGURE_COLOR_WAITING, false},
    [TRANSFER] = {{"transfer", 8}, {NULL, 0}, FIGURE_COLOR_TRANSFER, true},
    [DELAY] = {{"delay added on purpose", 22}, {"delay", 5}, FIGURE_COLOR_DELAY, false},
};

/* Return a figure that has the texts and the palette. */
static struct test_figure *new_figure(void)
{
    struct test_figure *test = calloc(1, sizeof *test);
    if (!test)
        abort();
    test->figure = (struct timeline_figure){
        .palette = palette,
        .palette_count = PHASES,
        .title = figure_text("example.org through Tor"),
        .inferred_label = figure_text("inferred (encrypted)"),
        .stall_label = figure_text("held back by flow control"),
        .dot_label = figure_text("no body, or too short to see"),
        .failure_label = figure_text("failed"),
        .open_label = figure_text("still open"),
        .closed_label = figure_text("closed"),
        .empty_label = figure_text("No connections recorded."),
        .shares_label = figure_text("where the time went"),
        .created_s = 1322265600,
    };
    return test;
}

/* A lane that is being made up. */
struct lane_maker {
    struct test_figure *test;
    const struct figure_plan *plan;
    struct dice *dice;
    size_t number;
    struct figure_bar *bars;
    size_t bar_count;
    struct figure_dot *dots;
    size_t dot_count;
    int64_t t_ns;
};

static void make_bar(struct lane_maker *maker, size_t phase, int64_t duration_ns)
{
    maker->bars[maker->bar_count] = (struct figure_bar){
        .phase = phase,
        .from_ns = maker->t_ns,
        .to_ns = maker->t_ns + duration_ns,
        .tooltip = format(maker->test, "bar %zu.%zu", maker->number, maker->bar_count),
    };
    maker->t_ns += duration_ns;
    if (maker->plan->continued > 0)
        maker->bars[maker->bar_count].inferred = roll_below(maker->dice, 3) == 0;
    if (maker->plan->hostile && roll_below(maker->dice, 4) == 0) {
        maker->bars[maker->bar_count].from_ns = hostile_time(maker->dice, maker->plan->length_ns);
        maker->bars[maker->bar_count].to_ns = hostile_time(maker->dice, maker->plan->length_ns);
    }
    maker->bar_count++;
}

/* Return a stall from `from` to `to` hundredths of the bar number `index`. */
static struct figure_stall part_of(const struct lane_maker *maker, size_t index, uint64_t from, uint64_t to)
{
    const struct figure_bar *bar = &maker->bars[index];
    uint64_t start = (uint64_t)bar->from_ns, part = ((uint64_t)bar->to_ns - start) / 100;
    return (struct figure_stall){index, (int64_t)(start + from * part), (int64_t)(start + to * part)};
}

/* Hold back every other transfer of `lane`: for its first fifth, and then again and again. */
static void make_stalls(struct figure_lane *lane, const struct lane_maker *maker)
{
    enum { AGAIN = 35 };
    struct figure_stall *stalls = block(maker->test, maker->bar_count * (1 + AGAIN) * sizeof *stalls);
    size_t transfers = 0;
    for (size_t i = 0; i < maker->bar_count; i++) {
        const struct figure_bar *bar = &maker->bars[i];
        if (bar->phase != TRANSFER || bar->to_ns < bar->from_ns || transfers++ % 2 > 0)
            continue;
        stalls[lane->stall_count++] = part_of(maker, i, 0, 20);
        for (uint64_t k = 0; k < AGAIN; k++)
            stalls[lane->stall_count++] = part_of(maker, i, 30 + 2 * k, 31 + 2 * k);
    }
    lane->stalls = stalls;
}

/* Fill `lane` with SOCKS, requests and responses, or a failure after SOCKS. */
static void make_lane(struct figure_lane *lane, struct lane_maker *maker)
{
    int64_t part_ns = maker->plan->length_ns / 10;
    size_t requests = maker->plan->requests;
    maker->bars = block(maker->test, (2 * requests + 1) * sizeof *maker->bars);
    maker->dots = block(maker->test, requests * sizeof *maker->dots);
    maker->t_ns = roll_below(maker->dice, 4 * part_ns);
    lane->from_ns = maker->t_ns;
    make_bar(maker, SOCKS, roll_below(maker->dice, 2 * part_ns));
    bool fails = roll_below(maker->dice, 12) == 0;
    for (size_t i = 0; i < requests && !fails; i++) {
        maker->t_ns += roll_below(maker->dice, part_ns / (int64_t)requests);
        make_bar(maker, WAITING, roll_below(maker->dice, 2 * part_ns / (int64_t)requests));
        if (roll_below(maker->dice, 4) == 0)
            maker->dots[maker->dot_count++] = (struct figure_dot){.phase = TRANSFER, .t_ns = maker->t_ns};
        else
            make_bar(maker, TRANSFER, roll_below(maker->dice, part_ns / (int64_t)requests / 2));
    }
    if (fails) {
        struct figure_failure *failure = block(maker->test, sizeof *failure);
        failure->t_ns = maker->t_ns;
        failure->label =
            maker->plan->hostile ? hostile_text(maker->test, maker->dice) : figure_text("host unreachable (4)");
        lane->failures = failure;
        lane->failure_count = 1;
    }
    lane->end = (enum figure_end)roll_below(maker->dice, FIGURE_END_CLOSED + 1);
    lane->to_ns = lane->end == FIGURE_END_OPEN ? maker->plan->length_ns : maker->t_ns;
    lane->bars = maker->bars;
    lane->bar_count = maker->bar_count;
    lane->dots = maker->dots;
    lane->dot_count = maker->dot_count;
    if (maker->plan->continued > 0)
        make_stalls(lane, maker);
    lane->label = format(maker->test, "%zu", 435 + maker->number);
    lane->link = format(maker->test, "#connection-%zu", 435 + maker->number);
    lane->tooltip = format(maker->test, "connection %zu\n%zu requests", 435 + maker->number, requests);
    if (maker->plan->hostile && roll_below(maker->dice, 2) == 0) {
        lane->label = hostile_text(maker->test, maker->dice);
        lane->link = hostile_text(maker->test, maker->dice);
        lane->tooltip = hostile_text(maker->test, maker->dice);
    }
}

/* Make up to plan->continued lanes that continue the one before them; return how many. */
static size_t make_continued(struct figure_lane *lanes, struct lane_maker *maker)
{
    size_t count = (size_t)roll_below(maker->dice, (int64_t)maker->plan->continued + 1);
    for (size_t i = 0; i < count; i++) {
        struct lane_maker next = {
            .test = maker->test, .plan = maker->plan, .dice = maker->dice, .number = maker->number};
        make_lane(&lanes[i], &next);
        lanes[i].continues = true;
        lanes[i].label = i + 1 == count ? figure_text("+37") : (struct figure_text){NULL, 0};
        lanes[i].end = FIGURE_END_NONE;
    }
    return count;
}

static void make_groups(struct test_figure *test, const struct figure_plan *plan, struct dice *dice)
{
    struct figure_group *groups = block(test, plan->groups * sizeof *groups);
    size_t made = 0;
    for (size_t i = 0; i < plan->groups; i++) {
        size_t left = plan->lanes - made;
        size_t groups_left = plan->groups - i;
        size_t spare = left - groups_left;
        size_t count = groups_left == 1 ? left : 1 + (size_t)roll_below(dice, (int64_t)(2 * spare / groups_left) + 1);
        struct figure_lane *lanes = block(test, count * (1 + plan->continued) * sizeof *lanes);
        size_t lane_count = 0;
        for (size_t k = 0; k < count; k++) {
            struct lane_maker maker = {.test = test, .plan = plan, .dice = dice, .number = made++};
            make_lane(&lanes[lane_count++], &maker);
            if (plan->continued > 0)
                lane_count += make_continued(&lanes[lane_count], &maker);
        }
        groups[i].label = plan->hostile ? hostile_text(test, dice) : format(test, "www%zu.example.org:80", i);
        groups[i].lanes = lanes;
        groups[i].lane_count = lane_count;
    }
    test->figure.groups = groups;
    test->figure.group_count = plan->groups;
}

/* Add marks, a strip, shares, notes and so on. */
static void make_rest(struct test_figure *test, const struct figure_plan *plan, struct dice *dice)
{
    struct timeline_figure *figure = &test->figure;
    struct figure_mark *marks = block(test, 4 * sizeof *marks);
    struct figure_text *lines = block(test, 3 * sizeof *lines);
    struct figure_strip *strip = block(test, sizeof *strip);
    struct figure_share *shares = block(test, PHASES * sizeof *shares);
    uint64_t *bins = block(test, 100 * sizeof *bins);
    for (size_t i = 0; i < 4; i++) {
        marks[i].t_ns = roll_below(dice, plan->length_ns);
        marks[i].label = plan->hostile ? hostile_text(test, dice) : format(test, "mark %zu", i);
    }
    for (size_t i = 0; i < 3; i++)
        lines[i] = plan->hostile ? hostile_text(test, dice) : figure_text("a line with some facts");
    for (size_t i = 0; i < 100; i++)
        bins[i] = roll(dice) >> (plan->hostile ? 0 : 48);
    for (size_t i = 0; i < PHASES; i++)
        shares[i] = (struct figure_share){.phase = i, .amount = roll(dice) >> (i * 2)};
    *strip =
        (struct figure_strip){figure_text("received"), FIGURE_COLOR_TRANSFER, 0, plan->length_ns / 99 + 1, bins, 100};
    if (plan->hostile) {
        figure->title = hostile_text(test, dice);
        strip->label = hostile_text(test, dice);
        figure->shares_label = hostile_text(test, dice);
    }
    figure->marks = marks;
    figure->mark_count = 4;
    figure->subtitles = figure->warnings = figure->notes = lines;
    figure->subtitle_count = figure->warning_count = figure->note_count = 3;
    figure->strips = strip;
    figure->strip_count = 1;
    figure->shares = shares;
    figure->share_count = PHASES;
    figure->to_ns = plan->length_ns;
}

struct test_figure *figures_random(const struct figure_plan *plan)
{
    struct test_figure *test = new_figure();
    struct dice dice = {plan->seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    make_groups(test, plan, &dice);
    make_rest(test, plan, &dice);
    return test;
}

struct test_figure *figures_article(void)
{
    static const struct figure_bar article[] = {
        {SOCKS, 249 * MS, 1291 * MS, false, {"SOCKS 1.042 s", 13}, {NULL, 0}},
        {WAITING, 1292 * MS, 4293 * MS, false, {"GET /", 5}, {NULL, 0}},
        {TRANSFER, 4293 * MS, 5332 * MS, false, {"GET /", 5}, {NULL, 0}},
        {WAITING, 5333 * MS, 7318 * MS, false, {"GET /wp-includes/js/l10n.js", 27}, {NULL, 0}},
        {TRANSFER, 7318 * MS, 7318 * MS, false, {"GET /wp-includes/js/l10n.js", 27}, {NULL, 0}},
        {WAITING, 10390 * MS, 12338 * MS, false, {"GET sprite_h.png", 16}, {NULL, 0}},
        {TRANSFER, 12338 * MS, 12338 * MS, false, {"GET sprite_h.png", 16}, {NULL, 0}},
    };
    static const struct figure_bar refused[] = {{SOCKS, 2000 * MS, 4000 * MS, false, {NULL, 0}, {NULL, 0}}};
    static const struct figure_bar parallel[] = {
        {SOCKS, 6000 * MS, 6500 * MS, false, {NULL, 0}, {NULL, 0}},
        {WAITING, 6500 * MS, 9000 * MS, false, {NULL, 0}, {NULL, 0}},
        {WAITING, 7000 * MS, 8000 * MS, false, {NULL, 0}, {NULL, 0}},
    };
    static const struct figure_failure failure = {4000 * MS, {"refused by exit policy (2)", 26}, {NULL, 0}, {NULL, 0}};
    static const struct figure_lane blog[] = {
        {.label = {"435", 3},
         .from_ns = 249 * MS,
         .to_ns = 14000 * MS,
         .bars = article,
         .bar_count = 7,
         .end = FIGURE_END_OPEN,
         .tooltip = {"3 requests", 10},
         .link = {"#connection-435", 15}},
        {.label = {"436", 3},
         .from_ns = 2000 * MS,
         .to_ns = 4000 * MS,
         .bars = refused,
         .bar_count = 1,
         .failures = &failure,
         .failure_count = 1,
         .end = FIGURE_END_CLOSED,
         .link = {"#connection-436", 15}},
    };
    static const struct figure_lane fonts[] = {
        {.label = {"437", 3},
         .from_ns = 6000 * MS,
         .to_ns = 9000 * MS,
         .bars = parallel,
         .bar_count = 3,
         .end = FIGURE_END_CLOSED,
         .link = {"#connection-437", 15}},
    };
    static const struct figure_group groups[] = {
        {.label = {"freedomboxblog.nl:80", 20}, .lanes = blog, .lane_count = 2},
        {.label = {"fonts.example.org:80", 20}, .lanes = fonts, .lane_count = 1},
    };
    static const struct figure_mark mark = {12338 * MS, {"loaded 12.3 s", 13}};
    static const struct figure_share shares[] = {
        {SOCKS, false, 30, {NULL, 0}}, {WAITING, false, 69, {NULL, 0}}, {TRANSFER, false, 1, {NULL, 0}}};
    static const uint64_t bins[] = {0, 0, 0, 0, 12000, 8522, 0, 221, 0, 0, 0, 0, 1378};
    static const struct figure_strip strip = {{"received", 8}, FIGURE_COLOR_TRANSFER, 0, 1000 * MS, bins, 13};
    struct test_figure *test = new_figure();
    test->figure.title = figure_text("freedomboxblog.nl through Tor");
    test->figure.to_ns = 14000 * MS;
    test->figure.groups = groups;
    test->figure.group_count = 2;
    test->figure.marks = &mark;
    test->figure.mark_count = 1;
    test->figure.shares = shares;
    test->figure.share_count = 3;
    test->figure.strips = &strip;
    test->figure.strip_count = 1;
    return test;
}
