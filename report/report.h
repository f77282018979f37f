/*
 * Reports: what a session shows, as an HTML document, as a picture and as a table. The live view serves them, and
 * `mitm-analyze report` writes them: the same model and query give the same bytes.
 *
 * Everything recorded is an attacker's text: it is escaped in one place only (report/html.h).
 */
#ifndef MITM_REPORT_REPORT_H
#define MITM_REPORT_REPORT_H

#include <stdio.h>

#include "analyze/model.h"
#include "analyze/pages.h"
#include "render/render.h"

/* At most so many connections are shown in one part of the list and in its graph. */
#define REPORT_PART_CONNECTIONS 100

/* What is shown. It is the query of a URL: a view can be bookmarked. All zero but for the times: everything. */
struct report_query {
    int64_t from_ns, to_ns; /* MODEL_NONE: as much as there is. URL: from=1.5&to=9 (seconds) */
    char server[300];       /* host or host:port, "" all. URL: server=www.example.org:80 */
    uint32_t page;          /* number of a page load; 0: all. URL: page=3 */
    uint32_t connection;    /* id; 0: all. URL: connection=435 */
    size_t part;            /* part of the list of connections, newest first; 1, 2 …; 0 is 1. URL: part=2 */
    size_t session;         /* of the file; 1, 2 …; 0: the last. URL: session=2 */
    size_t known;           /* only the first so many connections of the session: a picture for a document that was made
                               when there were no more; 0: all. URL: known=7 */
    int headers;            /* 0: as the session's settings say, 1: first line only, 2: all. URL: headers=first|all */
    unsigned refresh_s;     /* the page asks to be loaded again after so many seconds; 0: not. URL: refresh=5 */
};

/* What is known. */
struct report_input {
    const struct model *model;
    const struct pages *pages; /* of the session shown */
    /* A model of the same session (the only one in it) that has kept the headers of the connections shown, or `model`
     * itself; NULL: headers are not shown. */
    const struct model *details;
    const char *file;    /* its name, for people */
    const char *problem; /* what reading found wrong with the file, one line; NULL: nothing */
    bool live;           /* the file still grows */
};

/*
 * Where the document will stand. Served, it refers to these, below `base`:
 *   ?QUERY                    itself, for another query
 *   style.css                 report_style()
 *   script.js                 keeps <main> current (live only)
 *   graph.png, .svg, .pdf     report_picture() for QUERY; with dark=1 for a dark page (PNG)
 *   requests.csv              report_csv() for QUERY
 *   report.html               the document for QUERY, self-contained
 *   session.mitm              the file
 *   settings                  takes the forms (POST): the names of view/control.h, with `key` and `back` (a QUERY)
 *   proxy.pac                 the proxy's automatic configuration
 *   sample/                   the document of the built-in sample
 * All but the first and the last three have key=KEY in their query; a form has it in its body.
 */
struct report_place {
    bool self_contained; /* a file of its own: images within, no link to elsewhere, no script, no form */
    const char *base;    /* path of the page: "/", "/sample/" */
    const char *key;     /* secret that images, downloads and forms are asked for with */
    bool settings;       /* settings can be changed here: show the forms */
    const char *title;   /* of the document; NULL: that of the session */
    const char *author;  /* NULL: none */
    const char *message; /* about the change just made, or why it failed; NULL: none */
    bool failed;
};

/*
 * Read the query `text` of a URL ("from=1.5&server=a%20b", NULL is empty; percent- and plus-encoded) into *query.
 * Unknown names are ignored. Return NULL, or one line (static) that says which value is wrong and what it should be;
 * *query then has the usual value there.
 */
const char *report_query_parse(struct report_query *query, const char *text);

/* Print `query` in its canonical form, encoded for a URL, without '?'; nothing if it shows everything. */
void report_query_print(FILE *out, const struct report_query *query);

/* Print a time in seconds, exactly, without needless digits: "1.5". */
void report_seconds_print(FILE *out, int64_t t_ns);

/* Return the session of `input` that `query` selects, and store its number in *number; NULL: there is none. */
const struct model_session *report_session(const struct report_input *input, const struct report_query *query,
                                           size_t *number);

/* Return the style sheet of all documents (static). */
const char *report_style(void);

/* Return whether `query`, or else the settings of `session`, want all header lines to be shown. */
bool report_all_headers(const struct model_session *session, const struct report_query *query);

/* Print the HTML document to `out`. Only lines that contain class="live" differ between live and offline. */
void report_html(FILE *out, const struct report_input *input, const struct report_query *query,
                 const struct report_place *place);

/*
 * Print one self-contained HTML document on the `count` sessions of a model, at least 2: a table of the sessions, then
 * of each, in order, what the document on it alone has. inputs[i] is about session i + 1; `query` selects within each
 * (its session does not matter), and `place` is self-contained. Ids begin with "s2-" in the second session, "s3-" in
 * the third and so on; those of the first are as in a document on it alone.
 */
void report_html_sessions(FILE *out, const struct report_input *inputs, size_t count, const struct report_query *query,
                          const struct report_place *place);

/* Draw the graph that the document shows for `query`. `dark`: for a dark page. `width_px` 0: the usual. A PNG is as it
 * stands in the document, SVG and PDF have title, summary and warnings. */
enum render_result report_picture(const struct report_input *input, const struct report_query *query,
                                  enum render_format format, bool dark, unsigned width_px, struct render_buffer *out)
    __attribute__((warn_unused_result));

/* Print a table of the requests that the document shows for `query` (all parts) as CSV (RFC 4180), with a head line. */
void report_csv(FILE *out, const struct report_input *input, const struct report_query *query);

/* Mark in shown[0 … connection_count − 1] the connections of the part that `query` selects; return how many parts there
 * are. (For who has to load the details of just these.) */
size_t report_connections(const struct report_input *input, const struct report_query *query, bool *shown);

#endif
