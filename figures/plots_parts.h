/* What the modules that make plots share; see figures/plots.h. */
#ifndef MITM_FIGURES_PLOTS_PARTS_H
#define MITM_FIGURES_PLOTS_PARTS_H

#include "analyze/texts.h"
#include "figures/plots.h"

struct plots {
    struct plot_figure figure;
    struct plot_panel panel;
    struct plot_series *series;
    struct plot_strip *strips;
    struct plot_bar *bars;
    struct figure_text notes[3];
    struct texts texts; /* of all labels that are not constant */
    double **arrays;
    size_t array_count, array_capacity;
};

/* Return a plot with one panel of `kind`; what all plots have in common is taken from `options`. */
struct plots *plots_new(enum plot_kind kind, const struct plots_options *options, const char *empty);

/* Return room for `count` numbers, which belongs to `plots`. */
double *plots_numbers(struct plots *plots, size_t count);

/* Keep text made in printf's manner. */
struct figure_text plots_printf(struct plots *plots, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Return both texts, which may be recorded ones, as one. */
struct figure_text plots_join(struct plots *plots, struct figure_text head, struct figure_text tail);

/* Return "`label` (n = `count`)". */
struct figure_text plots_counted(struct plots *plots, struct figure_text label, size_t count);

/* Return the axis on which `measure` is drawn. */
struct plot_axis plots_axis(const struct measure *measure, const struct plots_options *options);

/* Return the time axis from `options`, or as far as `session` has events. */
struct plot_axis plots_time_axis(const struct model_session *session, const struct plots_options *options);

/* Add a note below the plot. */
void plots_note(struct plots *plots, struct figure_text note);

#endif
