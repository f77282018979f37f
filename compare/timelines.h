/* A typical page load of each group, all on one time axis. */
#ifndef MITM_COMPARE_TIMELINES_H
#define MITM_COMPARE_TIMELINES_H

#include "compare/compare.h"
#include "render/figure.h"

struct timelines;

/*
 * Choose of each group the page load with the median load time (of the page that was loaded most often in all groups;
 * if no page was loaded in all, of all), and put them below each other, each beginning at 0. Return NULL if a group has
 * no page load that ended. The comparison must outlive the result; free it with timelines_free().
 */
struct timelines *timelines_new(const struct comparison *comparison);
void timelines_free(struct timelines *timelines);

const struct timeline_figure *timelines_figure(const struct timelines *timelines);

#endif
