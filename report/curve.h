/* Curves of distributions as pictures within a document. */
#ifndef MITM_REPORT_CURVE_H
#define MITM_REPORT_CURVE_H

#include "report/document.h"
#include "report/samples.h"

/* Write the curve of `sample`, if it has one. */
void curve_write(const struct document *document, const struct sample *sample);

#endif
