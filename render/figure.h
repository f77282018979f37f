/*
 * Figures: what a picture says, as plain data. render/ decides where everything goes and paints it (render/render.h).
 *
 * - A figure belongs to its maker. It and all that it points to must stay unchanged during a call that draws it;
 *   nothing is kept afterwards. All memory zeroed is an empty figure; members marked optional may stay zero.
 * - Text is a slice of bytes from anywhere, an attacker included. Drawing makes it safe: invalid UTF-8 becomes U+FFFD;
 *   control, format (bidi) and other invisible characters are spelt out ("<U+202E>"); long text gets an ellipsis. So
 *   the maker puts recorded bytes in as they are. Tooltips may have several lines, separated by '\n'.
 * - Times are nanoseconds on any one clock; the axis shows them relative to that clock's 0. Every int64_t is allowed.
 *   What lies outside [from_ns, to_ns] of the figure is clipped or left out; an interval whose end lies before its
 *   start is taken as the moment of its start.
 * - Links are references within the place where the picture will stand ("#connection-435", "page.html#x"). A reference
 *   with a scheme or a host ("http://…", "//…") is never used: a click in a picture must not reach the network.
 */
#ifndef MITM_RENDER_FIGURE_H
#define MITM_RENDER_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Text of `len_bytes` bytes, UTF-8 if the sender was honest; {NULL, 0} is no text. */
struct figure_text {
    const char *bytes;
    size_t len_bytes;
};

/* Return the NUL-terminated string `string`, or NULL for no text, as a figure_text that points to it. */
static inline struct figure_text figure_text(const char *string)
{
    return (struct figure_text){.bytes = string, .len_bytes = string ? strlen(string) : 0};
}

/* An opaque sRGB colour. */
struct figure_color {
    uint8_t red;
    uint8_t green;
    uint8_t blue;
};

/* The colours of the phases, as initialisers of a struct figure_color. They differ in lightness too: dark to light
 * TLS handshake, SOCKS, delay, transfer, data not looked into, waiting. render/palette.h has other palettes. */
/* clang-format off */
#define FIGURE_COLOR_TLS      {0x70, 0x15, 0x60}
#define FIGURE_COLOR_SOCKS    {0x1f, 0x55, 0x9e}
#define FIGURE_COLOR_DELAY    {0xa8, 0x62, 0x0f}
#define FIGURE_COLOR_TRANSFER {0x3f, 0xa0, 0x55}
#define FIGURE_COLOR_OPAQUE   {0x7f, 0xbc, 0x8d}
#define FIGURE_COLOR_WAITING  {0xc6, 0xcb, 0xd3}
#define FIGURE_COLOR_FAILURE  {0xb3, 0x2d, 0x24} /* no phase: crosses, their labels, and warnings */
/* clang-format on */

/* A kind of phase: an entry of the figure's palette. */
struct figure_phase {
    struct figure_text label;       /* in the legend: "SOCKS (circuit, DNS, TCP)" */
    struct figure_text short_label; /* within the share bar: "SOCKS"; optional: `label` is used */
    struct figure_color color;
    bool dot_when_short; /* bars too short to see become dots in this colour; others get a least width (transfer: true)
                          */
};

/* A period of a lane. Bars of one lane may come in any order; those that overlap in time are drawn one above the other.
 */
struct figure_bar {
    size_t phase; /* index into the palette; an index beyond it is a bug */
    int64_t from_ns;
    int64_t to_ns;
    bool inferred;              /* not seen as such, but concluded: hatched, as a dot hollow */
    struct figure_text tooltip; /* optional: the lane's is used (as with dots) */
    struct figure_text link;    /* optional: the lane's is used (as with dots, failures and ends) */
};

/* A moment of a lane, drawn as a dot in the colour of its phase: a response without a body. */
struct figure_dot {
    size_t phase;
    int64_t t_ns;
    struct figure_text tooltip; /* optional */
    struct figure_text link;    /* optional */
};

/* A failure of a lane, drawn as a cross with its label beside it where there is room. */
struct figure_failure {
    int64_t t_ns;
    struct figure_text label;   /* short: "refused by exit policy (2)" */
    struct figure_text tooltip; /* optional: `label` is used */
    struct figure_text link;    /* optional */
};

/* A time in which what a bar shows was held back, drawn as a dark line along the bar's lower edge. */
struct figure_stall {
    size_t bar; /* index into the lane's bars; an index beyond them is a bug */
    int64_t from_ns;
    int64_t to_ns;
};

/* How a lane ended: the circle at its right. */
enum figure_end {
    FIGURE_END_NONE,   /* no circle */
    FIGURE_END_OPEN,   /* hollow: still open when the recording ended */
    FIGURE_END_CLOSED, /* filled */
};

/*
 * A line of the timeline: a connection, or with the lanes below it that continue it as much of a connection as goes on
 * one line. Those are drawn closer together, with a bracket at their left, and if possible on one page.
 */
struct figure_lane {
    bool continues;             /* the lane above it, of the same group: has no life line */
    struct figure_text label;   /* "435"; optional if it continues another */
    struct figure_text tooltip; /* optional: of the lane where nothing else is; also its details in a PDF's index. Of
                                   one that continues another: that one's is used, and its link */
    struct figure_text link;    /* optional */
    int64_t from_ns;            /* life line: from the first … */
    int64_t to_ns;              /* … to the last activity, or to the end of recording if still open */
    const struct figure_bar *bars;
    size_t bar_count;
    const struct figure_dot *dots;
    size_t dot_count;
    const struct figure_failure *failures;
    size_t failure_count;
    const struct figure_stall *stalls; /* those of a bar together, in the order of time and without overlap */
    size_t stall_count;
    enum figure_end end;
    struct figure_text end_tooltip; /* optional: "closed by the server at 5.330 s" */
};

/* Lanes that belong together: the connections to one server. */
struct figure_group {
    struct figure_text label;   /* "www.example.org:80" */
    struct figure_text tooltip; /* optional: `label` is used, which is thus readable even if cut short in the picture */
    struct figure_text link;    /* optional */
    const struct figure_lane *lanes;
    size_t lane_count;
};

/* A moment of the whole figure: a vertical line with a label. */
struct figure_mark {
    int64_t t_ns;
    struct figure_text label; /* "loaded 5.83 s" */
};

/* A rate over time, drawn as a strip below the lanes. Its axis is in B/s, kB/s, MB/s (powers of ten), chosen to fit. */
struct figure_strip {
    struct figure_text label; /* "received" */
    struct figure_color color;
    int64_t from_ns;      /* start of the first bin */
    int64_t bin_ns;       /* width of a bin, > 0 */
    const uint64_t *bins; /* bytes in each bin; nothing is drawn after the last one */
    size_t bin_count;
};

/* A part of the share bar. */
struct figure_share {
    size_t phase;
    bool inferred;              /* as with bars */
    uint64_t amount;            /* in any unit, the same for all: nanoseconds */
    struct figure_text tooltip; /* optional */
};

/* The timeline of a session. */
struct timeline_figure {
    struct figure_text title;
    const struct figure_text *subtitles; /* lines below the title; optional */
    size_t subtitle_count;
    int64_t from_ns; /* the time axis; if it is empty or reversed, it is made 1 ms long */
    int64_t to_ns;

    const struct figure_phase *palette;
    size_t palette_count;
    /* Texts of the legend. It shows only what occurs: phases in the order of the palette, then the hatching of inferred
     * bars, the line of stalls, dot, cross and circles. */
    struct figure_text inferred_label; /* "inferred (encrypted)" */
    struct figure_text stall_label;    /* "held back by flow control" */
    struct figure_text dot_label;      /* "no body, or too short to see" */
    struct figure_text failure_label;  /* "failed" */
    struct figure_text open_label;     /* "still open" */
    struct figure_text closed_label;   /* "closed" */

    const struct figure_group *groups;
    size_t group_count;
    struct figure_text lanes_note;  /* a footnote on lanes, which no picture is to be without: bare ones have it, too;
                                       optional */
    struct figure_text empty_label; /* shown if there is no lane: "No connections recorded." */
    const struct figure_mark *marks;
    size_t mark_count;
    const struct figure_strip *strips;
    size_t strip_count;
    struct figure_text shares_label; /* "where the time went" */
    struct figure_text shares_note;  /* small, below it: "sum over 9 connections"; optional */
    const struct figure_share *shares;
    size_t share_count;
    const struct figure_text *warnings; /* at the top: "The recording was cut off."; optional */
    size_t warning_count;
    const struct figure_text *notes; /* footnotes; optional */
    size_t note_count;

    int64_t created_s; /* the date that a PDF carries, seconds since 1970 UTC: the session's, so that output is
                          repeatable */
};

#endif
