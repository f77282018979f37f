/* The session that is built in, so that who has recorded nothing yet sees what a report is like. */
#ifndef MITM_VIEW_SAMPLE_H
#define MITM_VIEW_SAMPLE_H

/* Put the built-in session into a file without a name, in memory; return a path under which this process can read it
 * (static). */
const char *sample_open(void);

#endif
