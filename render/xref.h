/*
 * The cross-reference table of a PDF that cairo has written. Cairo 1.16 gives each link an object of a structure tree
 * that it then does not write; the table's entries of those lead nowhere, and readers take the file for damaged.
 */
#ifndef MITM_RENDER_XREF_H
#define MITM_RENDER_XREF_H

#include <glib.h>

/* Mark as free (ISO 32000-1, section 7.5.4) the entries, of the PDF that is all of `pdf` from `start` on, of objects
 * that are not where they lead to. A reference to a free object is null. */
void xref_free_missing(GString *pdf, gsize start);

#endif
