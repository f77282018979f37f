/*
 * Changes of the settings: the view may not make them itself; it asks the proxy (view/control.h) and waits for the
 * answer, at most CHANGE_PATIENCE_SECONDS.
 */
#ifndef MITM_VIEW_CHANGE_H
#define MITM_VIEW_CHANGE_H

#include <event2/event.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>

#include "view/control.h"

#define CHANGE_PATIENCE_SECONDS 2

struct change;

/* `problem`: one line that says why the change is refused; NULL if it is not. */
typedef void change_done(void *ctx, enum control_result result, const char *problem);

/*
 * Return what asks for changes over the socket `control_fd`, which stays the caller's; the caller frees it with
 * change_free(). When the other end of the socket is closed, the loop `base` is ended.
 */
struct change *change_new(struct event_base *base, int control_fd);
void change_free(struct change *change);

/* Return NULL if `form` consists of settings that exist, with values that can be sent (members that are named in
 * `others`, separated by spaces, are left out), else one line (static) that says what is wrong. */
const char *change_check(const struct evkeyvalq *form, const char *others);

/* Ask for the change that `form`, which has been checked, describes; done(ctx, …) is called from the loop, or at once
 * if too many changes are under way. */
void change_ask(struct change *change, const struct evkeyvalq *form, change_done *done, void *ctx);

#endif
