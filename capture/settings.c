#include "capture/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- values */

static bool is_none(const char *value)
{
    return *value == '\0' || strcmp(value, "none") == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Read a whole number, decimal, at *text and step over it. */
static bool read_number(const char **text, uint64_t *value)
{
    char *end;
    if (!is_digit(**text))
        return false;
    errno = 0;
    *value = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* Read the unit at *text, or the lack of one behind 0, and step over it; store its nanoseconds. */
static bool read_unit(const char **text, uint64_t *unit_ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t len = strlen(units[i].name);
        if (strncmp(*text, units[i].name, len) == 0) {
            *text += len;
            *unit_ns = units[i].ns;
            return true;
        }
    }
    return false;
}

/* Read "300ms", "1.5s", "0" at *text and step over it. What is smaller than a nanosecond is dropped. */
static bool read_duration(const char **text, uint64_t *ns)
{
    uint64_t whole, unit_ns, fraction = 0, scale = 1;
    if (!read_number(text, &whole) || whole > SETTINGS_DELAY_MAX_NS)
        return false;
    if ((*text)[0] == '.' && (*text)[1] != '.') {
        ++*text;
        if (!is_digit(**text))
            return false;
        for (; is_digit(**text); ++*text) {
            if (scale < 1000000000) {
                fraction = fraction * 10 + (uint64_t)(**text - '0');
                scale *= 10;
            }
        }
    }
    if (!read_unit(text, &unit_ns)) {
        *ns = 0;
        return whole == 0 && fraction == 0;
    }
    if (whole > SETTINGS_DELAY_MAX_NS / unit_ns)
        return false;
    *ns = whole * unit_ns + fraction * unit_ns / scale;
    return *ns <= SETTINGS_DELAY_MAX_NS;
}

static bool set_delay(struct settings_delay *delay, const char *value)
{
    struct settings_delay read = {0};
    if (!is_none(value)) {
        if (!read_duration(&value, &read.min_ns))
            return false;
        read.max_ns = read.min_ns;
        if (strncmp(value, "..", 2) == 0) {
            value += 2;
            if (!read_duration(&value, &read.max_ns))
                return false;
        }
        if (*value || read.min_ns > read.max_ns)
            return false;
    }
    *delay = read;
    return true;
}

static bool set_rate(uint64_t *rate, const char *value)
{
    uint64_t number = 0;
    unsigned shift = 0;
    if (!is_none(value)) {
        if (!read_number(&value, &number))
            return false;
        if (*value && strchr("KMG", *value)) {
            shift = *value == 'K' ? 10 : *value == 'M' ? 20 : 30;
            value++;
        }
        if (*value || number == 0 || number > SETTINGS_RATE_MAX >> shift)
            return false;
    }
    *rate = number << shift;
    return true;
}

static bool set_seed(struct settings *settings, const char *value)
{
    uint64_t seed = 0;
    bool seeded = !is_none(value);
    if (seeded && (!read_number(&value, &seed) || *value))
        return false;
    settings->seeded = seeded;
    settings->seed = seed;
    return true;
}

/* Set *flag to whether `value` is `yes`; it must be that or `no`. */
static bool set_choice(bool *flag, const char *value, const char *yes, const char *no)
{
    bool is_yes = strcmp(value, yes) == 0;
    if (!is_yes && strcmp(value, no) != 0)
        return false;
    *flag = is_yes;
    return true;
}

/* ---------------------------------------------------------------- names */

static const char delay_remedy[] =
    "give a time such as 300ms or 1.5s, a range such as 200ms..500ms (at most 1 hour), or none";
static const char rate_remedy[] = "give bytes per second such as 50000, 50K or 1M (at most 1024G), or none";

bool settings_set(struct settings *settings, const char *name, const char *value, char *error, size_t size)
{
    bool good;
    const char *remedy = rate_remedy;
    if (strcmp(name, "connect-delay") == 0) {
        good = set_delay(&settings->connect_delay, value);
        remedy = delay_remedy;
    } else if (strcmp(name, "request-delay") == 0) {
        good = set_delay(&settings->request_delay, value);
        remedy = delay_remedy;
    } else if (strcmp(name, "seed") == 0) {
        good = set_seed(settings, value);
        remedy = "give a whole number of at most 18446744073709551615";
    } else if (strcmp(name, "rate-down") == 0) {
        good = set_rate(&settings->rate_down, value);
    } else if (strcmp(name, "rate-up") == 0) {
        good = set_rate(&settings->rate_up, value);
    } else if (strcmp(name, "rate-down-total") == 0) {
        good = set_rate(&settings->rate_down_total, value);
    } else if (strcmp(name, "rate-up-total") == 0) {
        good = set_rate(&settings->rate_up_total, value);
    } else if (strcmp(name, "upstream") == 0) {
        good = set_choice(&settings->direct, value, "direct", "socks");
        remedy = "give socks or direct";
    } else if (strcmp(name, "headers") == 0) {
        good = set_choice(&settings->all_headers, value, "all", "first");
        remedy = "give first or all";
    } else {
        snprintf(error, size, "there is no such setting");
        return false;
    }
    if (!good)
        snprintf(error, size, "%s", remedy);
    return good;
}

bool settings_is_mark(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            return false;
    }
    return *text && strlen(text) <= SETTINGS_MARK_MAX_BYTES;
}

bool settings_are_random(const struct settings *settings)
{
    const struct settings_delay *connect = &settings->connect_delay, *request = &settings->request_delay;
    return connect->min_ns < connect->max_ns || request->min_ns < request->max_ns;
}

static bool delays_equal(const struct settings_delay *a, const struct settings_delay *b)
{
    return a->min_ns == b->min_ns && a->max_ns == b->max_ns;
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
    return delays_equal(&a->connect_delay, &b->connect_delay) && delays_equal(&a->request_delay, &b->request_delay) &&
           a->seeded == b->seeded && a->seed == b->seed && a->rate_down == b->rate_down && a->rate_up == b->rate_up &&
           a->rate_down_total == b->rate_down_total && a->rate_up_total == b->rate_up_total && a->direct == b->direct &&
           a->all_headers == b->all_headers;
}

/* ---------------------------------------------------------------- the event */

/* Fill in `range` with `delay`; return it, or NULL where there is no delay. */
static Mitm__DelayRange *range_of(Mitm__DelayRange *range, const struct settings_delay *delay)
{
    if (delay->max_ns == 0)
        return NULL;
    EVENT_SET(*range, min_ns, delay->min_ns);
    EVENT_SET(*range, max_ns, delay->max_ns);
    return range;
}

void settings_emit(const struct settings *settings, const struct event_sink *sink, uint64_t t_ns,
                   Mitm__SettingsOrigin origin, const char *upstream)
{
    Mitm__DelayRange connect = MITM__DELAY_RANGE__INIT, request = MITM__DELAY_RANGE__INIT;
    EVENT_NEW(record, ev, t_ns, Settings, SETTINGS, settings);
    EVENT_SET(ev, origin, origin);
    ev.connect_delay = range_of(&connect, &settings->connect_delay);
    ev.request_delay = range_of(&request, &settings->request_delay);
    if (settings->seeded)
        EVENT_SET(ev, seed, settings->seed);
    if (settings->rate_down)
        EVENT_SET(ev, rate_down, settings->rate_down);
    if (settings->rate_up)
        EVENT_SET(ev, rate_up, settings->rate_up);
    if (settings->rate_down_total)
        EVENT_SET(ev, rate_down_total, settings->rate_down_total);
    if (settings->rate_up_total)
        EVENT_SET(ev, rate_up_total, settings->rate_up_total);
    EVENT_SET(ev, upstream_kind, settings->direct ? MITM__UPSTREAM_KIND__DIRECT : MITM__UPSTREAM_KIND__SOCKS5);
    if (!settings->direct)
        ev.upstream_address = (char *)(uintptr_t)upstream;
    EVENT_SET(ev, all_headers, settings->all_headers);
    event_emit(sink, &record);
}
