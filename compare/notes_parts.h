/* What those who find notes share. Inside of compare/ alone. */
#ifndef MITM_COMPARE_NOTES_PARTS_H
#define MITM_COMPARE_NOTES_PARTS_H

#include <stdio.h>

#include "compare/parts.h"

/* Begin a note; write its text, a sentence with full stop, to the result, and end it. */
struct note_writer {
    FILE *out;
    char *text;
    size_t len_bytes;
};
void note_begin(struct note_writer *writer);
void note_end(struct note_writer *writer, struct comparison *comparison, const char *code);

/* Write to `out` the first few names of a list: call it for each; note_list_end() says how many more there were. */
enum { NOTE_LIST_MOST = 4 };
struct note_list {
    FILE *out;
    size_t count;
};
void note_list_add(struct note_list *list, struct text name);
void note_list_end(struct note_list *list);

/* Notes about what was recorded, and about the rows. */
void notes_of_sessions(struct comparison *comparison);
void notes_of_rows(struct comparison *comparison);

#endif
