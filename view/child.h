/*
 * The view's process, as the proxy sees it. The proxy's main forks a supervisor; that one forks the view, waits for its
 * end, and starts it again. So a view that dies is started again without a fork of the proxy, which has threads, and
 * neither of the two has a descriptor of the proxy's. Both end with the proxy, however that ends.
 *
 * The proxy reaches the view by a Unix socket that has no name any more, and the view asks for changes by a socket of
 * its own (view/control.h). The supervisor holds both, so that connections and requests wait while the view is started
 * again.
 */
#ifndef MITM_VIEW_CHILD_H
#define MITM_VIEW_CHILD_H

#include "view/view.h"

struct view_child;

/* What the view's process does: view_run(). */
typedef int view_child_fn(const struct view_options *options);

/*
 * Start the supervisor; its view will call `serve` with the options of the live view. To be called before there are
 * threads, and before descriptors are opened that the view shall not have. Return NULL and store errno in *error if
 * that fails; the caller ends what is returned with view_child_end().
 */
struct view_child *view_child_start(view_child_fn *serve, int *error) __attribute__((warn_unused_result));

/* Start the view: it shows the session in the file `path`. To be called once. */
void view_child_show(struct view_child *child, const char *path);

/* Return the path under which this process (no other) can connect to the view; it lives as long as `child`. */
const char *view_child_path(const struct view_child *child);

/* Return our end of the socket by which the view asks for changes (view/control.h), non-blocking; it stays `child`'s.
 */
int view_child_control_fd(const struct view_child *child);

/* End the view and its supervisor, and free `child`; NULL is allowed. */
void view_child_end(struct view_child *child);

#endif
