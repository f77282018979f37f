/*
 * Writes what is whole of a damaged or cut off session file into a new one, which is whole: with a Loss where something
 * is missing, and with the first and last record of each session, if those are missing.
 */
#ifndef MITM_ANALYZE_REPAIR_H
#define MITM_ANALYZE_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/intake.h"

struct repair;

/* Prepare to write to `path`, which must outlive the repair. The file is made with the first record; `force`: an old
 * one may be replaced. The caller ends it with repair_finish(). */
struct repair *repair_new(const char *path, bool force);

/* Take in a record of the damaged file, or a Loss `made` for damage; for damage at the file's end its length. */
void repair_record(struct repair *repair, const Mitm__Record *record, bool made);
void repair_truncated(struct repair *repair, uint64_t len_bytes);

/*
 * Write the rest, close the file and free `repair`. Store the number of records written in *records. Return 0 or an
 * errno; EEXIST: there was a file, and `force` was not set.
 */
int repair_finish(struct repair *repair, uint64_t *records);

#endif
