#include <criterion/criterion.h>
#include <string.h>

#include "capture/random.h"
#include "capture/settings.h"

static bool set(struct settings *settings, const char *name, const char *value)
{
    char error[200] = "";
    bool good = settings_set(settings, name, value, error, sizeof error);
    cr_assert_eq(good, *error == '\0', "%s=%s: a remedy exactly if it is wrong: %s", name, value, error);
    return good;
}

Test(settings, delays)
{
    static const struct {
        const char *text;
        uint64_t min_ns, max_ns;
    } good[] = {{"300ms", 300000000, 300000000},
                {"200ms..500ms", 200000000, 500000000},
                {"1.5s", 1500000000, 1500000000},
                {"0..2s", 0, 2000000000},
                {"0.000000001s", 1, 1},
                {"1us..1.25us", 1000, 1250},
                {"7ns", 7, 7},
                {"3600s", 3600000000000, 3600000000000},
                {"0", 0, 0},
                {"none", 0, 0},
                {"", 0, 0}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct settings settings = {.connect_delay = {1, 2}, .request_delay = {1, 2}};
        cr_assert(set(&settings, "connect-delay", good[i].text), "%s", good[i].text);
        cr_assert(set(&settings, "request-delay", good[i].text), "%s", good[i].text);
        cr_assert_eq(settings.connect_delay.min_ns, good[i].min_ns, "%s", good[i].text);
        cr_assert_eq(settings.connect_delay.max_ns, good[i].max_ns, "%s", good[i].text);
        cr_assert_eq(settings.request_delay.min_ns, good[i].min_ns, "%s", good[i].text);
        cr_assert_eq(settings.request_delay.max_ns, good[i].max_ns, "%s", good[i].text);
    }
    static const char *const bad[] = {"300",
                                      "5x",
                                      "-1ms",
                                      " 1ms",
                                      "1ms ",
                                      "1.ms",
                                      ".5s",
                                      "2s..1s",
                                      "1s..",
                                      "..1s",
                                      "1s.2s",
                                      "3601s",
                                      "1e3ms",
                                      "0x1s",
                                      "1ms...2ms",
                                      "1s..2s..3s",
                                      "nones",
                                      "1.5",
                                      "99999999999999999999s",
                                      "18446744073709551s",
                                      "+1s",
                                      "1 s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct settings settings = {.connect_delay = {1, 2}};
        cr_assert_not(set(&settings, "connect-delay", bad[i]), "%s", bad[i]);
        cr_assert_eq(settings.connect_delay.max_ns, 2, "unchanged by %s", bad[i]);
    }
}

Test(settings, rates)
{
    struct settings settings = {0};
    cr_assert(set(&settings, "rate-down", "50000"));
    cr_assert(set(&settings, "rate-up", "50K"));
    cr_assert(set(&settings, "rate-down-total", "1M"));
    cr_assert(set(&settings, "rate-up-total", "1024G"));
    cr_assert_eq(settings.rate_down, 50000);
    cr_assert_eq(settings.rate_up, 51200);
    cr_assert_eq(settings.rate_down_total, 1048576);
    cr_assert_eq(settings.rate_up_total, UINT64_C(1) << 40);
    static const char *const bad[] = {"0",   "1025G",       "K", "-5", "5k", "5KB", "1.5M", "99999999999999999999",
                                      "5 K", "17179869184G"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(set(&settings, "rate-down", bad[i]), "%s", bad[i]);
    cr_assert_eq(settings.rate_down, 50000);
    cr_assert(set(&settings, "rate-down", "none"));
    cr_assert(set(&settings, "rate-up", ""));
    cr_assert_eq(settings.rate_down + settings.rate_up, 0);
}

Test(settings, others)
{
    struct settings settings = {0};
    cr_assert(set(&settings, "seed", "18446744073709551615"));
    cr_assert_eq(settings.seed, UINT64_MAX);
    cr_assert(settings.seeded);
    cr_assert_not(set(&settings, "seed", "18446744073709551616"));
    cr_assert_not(set(&settings, "seed", "7a"));
    cr_assert_eq(settings.seed, UINT64_MAX);
    cr_assert(set(&settings, "seed", ""));
    cr_assert_not(settings.seeded);
    cr_assert(set(&settings, "upstream", "direct"));
    cr_assert(settings.direct);
    cr_assert_not(set(&settings, "upstream", "tor"));
    cr_assert(set(&settings, "upstream", "socks"));
    cr_assert_not(settings.direct);
    cr_assert(set(&settings, "headers", "all"));
    cr_assert(settings.all_headers);
    cr_assert_not(set(&settings, "headers", "none"));
    cr_assert_not(set(&settings, "Headers", "all"));
    cr_assert_not(set(&settings, "", ""));
}

Test(settings, marks)
{
    char text[202];
    memset(text, 'x', 201);
    text[201] = '\0';
    cr_assert_not(settings_is_mark(text), "201 bytes");
    text[200] = '\0';
    cr_assert(settings_is_mark(text), "200 bytes");
    cr_assert(settings_is_mark("caf\xC3\xA9 <b>"));
    cr_assert_not(settings_is_mark(""));
    cr_assert_not(settings_is_mark("a\nb"));
    cr_assert_not(settings_is_mark("a\x7f"));
}

/* The first outputs for the seed 1234567, as published with the task "Pseudo-random numbers/Splitmix64" of Rosetta
 * Code, and for 0, as in the tests of the Java and Rust implementations. */
Test(random, is_splitmix64)
{
    static const uint64_t of_1234567[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                          UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                          UINT64_C(16408922859458223821)};
    struct random random = {.state = 1234567};
    for (size_t i = 0; i < sizeof of_1234567 / sizeof of_1234567[0]; i++)
        cr_assert_eq(random_next(&random), of_1234567[i], "number %zu", i);
    struct random of_0 = {0};
    cr_assert_eq(random_next(&of_0), UINT64_C(0xE220A8397B1DCDAF));
    cr_assert_eq(random_next(&of_0), UINT64_C(0x6E789E6AA1B965F4));
}

Test(random, between_takes_each_number_equally_often)
{
    enum { NUMBERS = 7, DRAWS = 70000 };
    struct random random = {.state = 42};
    unsigned counts[NUMBERS] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = random_between(&random, 1000, 1000 + NUMBERS - 1);
        cr_assert(value >= 1000 && value < 1000 + NUMBERS);
        counts[value - 1000]++;
    }
    double chi_square = 0, expected = (double)DRAWS / NUMBERS;
    for (size_t i = 0; i < NUMBERS; i++)
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    cr_assert_lt(chi_square, 22.46, "6 degrees of freedom, p = 0.001");
}

Test(random, between_refuses_what_would_be_more_frequent)
{
    /* Of 2^64 values modulo 3 · 2^62 the first quarter would come twice as often. */
    struct random random = {.state = 1};
    unsigned low = 0;
    for (int i = 0; i < 30000; i++)
        low += random_between(&random, 0, 3 * (UINT64_C(1) << 62) - 1) < UINT64_C(1) << 62;
    cr_assert(low > 9600 && low < 10400, "a third, not a half: %u", low);
    cr_assert_eq(random_between(&random, 5, 5), 5);
    cr_assert_geq(random_between(&random, 0, UINT64_MAX), 0u, "all numbers");
}
