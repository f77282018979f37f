/* What the modules that write the sections of a document share; see report/report.h. */
#ifndef MITM_REPORT_DOCUMENT_H
#define MITM_REPORT_DOCUMENT_H

#include "analyze/stats.h"
#include "report/html.h"
#include "report/selection.h"

struct document {
    FILE *out;
    const struct report_input *input;
    const struct report_query *query;
    const struct report_place *place;
    const struct model_session *session; /* NULL: there is none */
    size_t session_number;
    struct selection selection;
    struct stats stats;
    bool all_headers; /* are shown, not only first lines */
    bool several;     /* the session is one of several that the document holds, one after the other */
    char prefix[24];  /* of its ids, so that each is there once: "s2-"; "" for the first session */
};

/* Return `query` as report_query_print() has it; the caller frees it. */
char *document_query(const struct report_query *query);

/* Write the opening tag of a link to this document for `query`, and its end; nothing in a self-contained document. */
void document_link(const struct document *document, const struct report_query *query);
void document_link_end(const struct document *document);

/* Write the opening tag of a link to the file `name` (report/report.h) for the document's query. */
void document_file_link(const struct document *document, const char *name);

/* Write the URL of the file `name` with the document's query; `more`: further members, "&dark=1". */
void document_file_url(const struct document *document, const char *name, const char *more);

/* Write the name of a server as a link to its zoomed view: "www.example.org:80", "(no request)". */
void document_server(const struct document *document, const struct model_server *server);

/* Write a cell of a table with a number, a duration or a size; "–" for MODEL_NONE. */
void document_count_cell(const struct document *document, uint64_t count);
/* The same for a number that may not be known: then "–". */
void document_known_cell(const struct document *document, bool known, uint64_t count);
void document_duration_cell(const struct document *document, int64_t ns);
void document_size_cell(const struct document *document, int64_t bytes);

/* Begin a region that can be scrolled, of the style `class`, called `label` and, among several, the session. */
void document_begin_region(const struct document *document, const char *class, const char *label);

/* Begin the section with the heading `title` and the anchor `id`; where all parts follow one another, both get the
 * number of the part. */
void document_begin_section(const struct document *document, const char *id, const char *title, size_t part);

/* Return whether any selection is in force. */
bool document_is_selection(const struct report_query *query);

/* Return the name of the session's file without its folders, which are nobody's business; NULL if it is not known. */
const char *head_file(const struct document *document);

/* The sections. */
void head_write_name(const struct document *document);    /* of the session */
void head_write_title(const struct document *document);   /* of all; `document`: that of the first session */
void head_write_heading(const struct document *document); /* the same as heading, and the author */
void head_write(const struct document *document);
/* Of several sessions: their style beside report_style(), the table of all `count`, and the beginning of the section of
 * one. */
const char *sessions_style(void);
void sessions_write(const struct document *documents, size_t count);
void sessions_write_heading(const struct document *document);
void graph_write(const struct document *document, size_t part);
void tables_write_pages(const struct document *document);
void tables_write_servers(const struct document *document);
void distributions_write(const struct document *document);
void tables_write_failures(const struct document *document);
void notes_write(const struct document *document);
void list_write(const struct document *document, size_t part);
/* Links to the parts of the list besides `part`, if there are any, as navigation that is called `label`. */
void list_write_parts(const struct document *document, size_t part, const char *label);
void forms_write_zoom(const struct document *document);
void forms_write_settings(const struct document *document);
void start_write(const struct document *document);

#endif
