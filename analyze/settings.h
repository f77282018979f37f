/* Settings in words. */
#ifndef MITM_ANALYZE_SETTINGS_H
#define MITM_ANALYZE_SETTINGS_H

#include <stdio.h>

#include "analyze/model.h"

/*
 * Print the delays and rate limits of `settings` in words, without an end of line: "connect delay 300 ms; request delay
 * 200 ms to 500 ms (seed 7); 50.0 kB/s down per connection", or "no delays, no rate limits". Nothing of it is recorded
 * text.
 */
void settings_print(FILE *out, const struct model_settings *settings);

/* Return for how long recording was paused in all, as far as the moments are known; a pause lasts until it is resumed,
 * or to the end of the session. */
int64_t settings_paused_ns(const struct model_session *session);

/* Return how often recording was paused, as far as that is kept. */
size_t settings_pauses(const struct model_session *session);

/* Return how many events were not recorded while it was paused, as far as that is kept. */
uint64_t settings_paused_events(const struct model_session *session);

#endif
