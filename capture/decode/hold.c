#include "capture/decode/hold.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"

struct hold_time {
    uint64_t t_ns;
    uint32_t end; /* position in the hold behind the piece */
};

void hold_add(struct hold *hold, const struct piece *piece)
{
    uint32_t len = hold->len + (uint32_t)piece->len;
    hold->data = grow(hold->data, &hold->room, len, 1);
    memcpy(hold->data + hold->len, piece->data, piece->len);
    hold->len = len;
    if (hold->pieces == 0 || hold->times[hold->pieces - 1].t_ns != piece->t_ns) {
        hold->times = grow(hold->times, &hold->pieces_room, hold->pieces + 1, sizeof *hold->times);
        hold->times[hold->pieces++].t_ns = piece->t_ns;
    }
    hold->times[hold->pieces - 1].end = len;
}

struct piece hold_piece(const struct hold *hold, uint32_t i)
{
    assert(i < hold->pieces);
    uint32_t start = i == 0 ? 0 : hold->times[i - 1].end;
    return (struct piece){
        .t_ns = hold->times[i].t_ns, .offset = start, .data = hold->data + start, .len = hold->times[i].end - start};
}

void hold_fini(struct hold *hold)
{
    free(hold->data);
    free(hold->times);
    *hold = (struct hold){0};
}
