/* Changes while recording: proxy_change(). */
#include <stdio.h>
#include <string.h>

#include "capture/proxy.h"

/* What the lines ask for. */
struct change {
    struct settings settings;
    char mark[SETTINGS_MARK_MAX_BYTES + 1]; /* "": none */
    enum { RECORDING_AS_IT_IS, RECORDING_PAUSE, RECORDING_RESUME } recording;
};

static bool set_mark(struct change *change, const char *value, char *error, size_t size)
{
    if (*value && !settings_is_mark(value)) {
        snprintf(error, size, "give one line of at most %zu bytes", SETTINGS_MARK_MAX_BYTES);
        return false;
    }
    snprintf(change->mark, sizeof change->mark, "%s", value);
    return true;
}

static bool set_recording(struct change *change, const char *value, char *error, size_t size)
{
    if (strcmp(value, "pause") == 0) {
        change->recording = RECORDING_PAUSE;
    } else if (strcmp(value, "resume") == 0) {
        change->recording = RECORDING_RESUME;
    } else {
        snprintf(error, size, "give pause or resume");
        return false;
    }
    return true;
}

/* Read one line, without its end; it is changed. */
static bool read_line(struct change *change, char *line, char *error, size_t size)
{
    char *value = strchr(line, '=');
    if (!value) {
        snprintf(error, size, "a line without =: give NAME=VALUE");
        return false;
    }
    *value++ = '\0';
    char remedy[256];
    bool good = strcmp(line, "mark") == 0        ? set_mark(change, value, remedy, sizeof remedy)
                : strcmp(line, "recording") == 0 ? set_recording(change, value, remedy, sizeof remedy)
                                                 : settings_set(&change->settings, line, value, remedy, sizeof remedy);
    if (!good)
        snprintf(error, size, "%s: %s", line, remedy);
    return good;
}

/* The name in an error comes from the other side: nothing in it may be more than text. */
static bool is_plain(const char *lines, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)lines[i];
        if ((c < 0x20 && c != '\n') || c == 0x7f)
            return false;
    }
    return true;
}

enum proxy_change proxy_change(struct proxy *proxy, const char *lines, size_t len, char *error, size_t error_size)
{
    char text[PROXY_CHANGE_MAX_BYTES + 1];
    if (len >= sizeof text || !is_plain(lines, len)) {
        snprintf(error, error_size, "give lines NAME=VALUE, at most %d bytes, without control characters",
                 PROXY_CHANGE_MAX_BYTES);
        return PROXY_CHANGE_REFUSED;
    }
    memcpy(text, lines, len);
    text[len] = '\0';
    struct change change = {.settings = proxy->settings.live};
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (*line && !read_line(&change, line, error, error_size))
            return PROXY_CHANGE_REFUSED;
    }
    bool set = !settings_equal(&change.settings, &proxy->settings.live);
    bool turned = change.recording != RECORDING_AS_IT_IS && proxy->paused != (change.recording == RECORDING_PAUSE);
    if (set)
        proxy_set(proxy, &change.settings, MITM__SETTINGS_ORIGIN__VIEW);
    if (*change.mark)
        proxy_mark(proxy, change.mark);
    if (turned)
        proxy_pause(proxy, !proxy->paused, MITM__SETTINGS_ORIGIN__VIEW);
    return set || *change.mark || turned ? PROXY_CHANGE_MADE : PROXY_CHANGE_NONE;
}
