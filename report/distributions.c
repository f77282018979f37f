/* The distributions of a document: the quantiles of each measure, and their curves. */
#include "analyze/format.h"
#include "report/curve.h"
#include "report/document.h"
#include "report/samples.h"

static void write_row(const struct document *document, const struct sample *sample)
{
    FILE *out = document->out;
    fputs("<tr><th scope=\"row\">", out);
    html_string(out, sample->label);
    fputs("</th>", out);
    document_count_cell(document, sample->n);
    for (size_t i = 0; i < SAMPLES_FIGURES; i++) {
        fputs("<td class=\"n\">", out);
        samples_write(out, sample, i);
        fputs("</td>", out);
    }
    fputs("<td class=\"n\">", out);
    samples_write_interval(out, sample);
    fputs("</td></tr>\n", out);
}

static void write_table(const struct document *document, const struct samples *samples)
{
    FILE *out = document->out;
    document_begin_region(document, "scroll", "Table of distributions");
    fputs("<table><caption><span>Quantiles (type 7 of Hyndman and Fan) of the whole "
          "recording</span></caption>\n<thead><tr>"
          "<th scope=\"col\">Measure</th><th scope=\"col\" class=\"n\">n</th>",
          out);
    for (size_t i = 0; i < SAMPLES_FIGURES; i++)
        fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>", samples_heads[i]);
    fputs("<th scope=\"col\" class=\"n\">95 % interval of the median</th></tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < samples->count; i++)
        write_row(document, &samples->samples[i]);
    fputs("</tbody></table></div>\n", out);
}

void distributions_write(const struct document *document)
{
    struct samples samples;
    if (!document->place->self_contained || !document->input->pages)
        return;
    samples_init(&samples, document->session, document->input->pages);
    document_begin_section(document, "distributions", "Distributions", 1);
    if (samples.count > 0)
        write_table(document, &samples);
    else
        fputs("<p>Nothing was measured.</p>\n", document->out);
    if (samples.count > 0)
        fputs("<p class=\"quiet\">" SAMPLES_NOTE "</p>\n", document->out);
    for (size_t i = 0; i < samples.count; i++)
        curve_write(document, &samples.samples[i]);
    fputs("</section>\n", document->out);
    samples_fini(&samples);
}
