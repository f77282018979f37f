/*
 * Plots of sessions and samples: what render/plot.h draws, made from the model. The timeline is analyze/chart.h's.
 */
#ifndef MITM_FIGURES_PLOTS_H
#define MITM_FIGURES_PLOTS_H

#include "analyze/measures.h"
#include "render/plot.h"

/* A plot with the memory that it points to. */
struct plots;

/* Return its figure, which lives as long as `plots`. */
const struct plot_figure *plots_figure(const struct plots *plots);
void plots_free(struct plots *plots);

/* A sample to be plotted; it must outlive the plot. */
struct plots_sample {
    struct figure_text label;
    const double *sorted; /* finite */
    size_t count;
};

struct plots_options {
    struct figure_text title; /* optional */
    bool log;                 /* the axis of a distribution is logarithmic */
    double confidence;        /* of bands; 0: 0.95 */
    int64_t from_ns, to_ns;   /* of plots over time; MODEL_NONE: as much as there is */
    int64_t created_s;        /* the date of a PDF */
};

/* Return the ECDFs of the `count` samples of `measure`, each with its confidence band. Labels get "(n = 20)". */
struct plots *plots_ecdf(const struct measure *measure, const struct plots_sample *samples, size_t count,
                         const struct plots_options *options);

/* Return one strip for each of the `count` samples of `measure`: its values, quartiles, median and the median's
 * interval. */
struct plots *plots_strips(const struct measure *measure, const struct plots_sample *samples, size_t count,
                           const struct plots_options *options);

/* What the bars of plots_phases() are of. */
enum plots_bars { PLOTS_SERVERS, PLOTS_PAGES };

/*
 * Return where the time of `session` went, one bar for each server (sums of SOCKS, waiting and transfer times of its
 * connections) or page load (parts of its load time, with the idle one): at most PLOTS_MAX_BARS, those with most time;
 * a last one has the means of the others.
 */
#define PLOTS_MAX_BARS 20
struct plots *plots_phases(const struct model_session *session, const struct pages *pages, enum plots_bars bars,
                           const struct plots_options *options);

/* Return the bytes per second that came to clients, over time. */
struct plots *plots_throughput(const struct model_session *session, const struct plots_options *options);

/* Return over time the numbers of open connections and of requests that were sent and not yet wholly answered; averages
 * where they change more often than can be seen. */
struct plots *plots_concurrency(const struct model_session *session, const struct plots_options *options);

#endif
