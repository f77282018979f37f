#include "capture/decode/hold.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"

struct hold_time {
    uint64_t t_ns;
    uint32_t end; /* index in hold->data behind the piece */
};

/* Move what is held to the front of its memory. */
static void move_to_front(struct hold *hold)
{
    memmove(hold->data, hold->data + hold->start, hold->len);
    for (uint32_t i = 0; i < hold->pieces; i++) {
        hold->times[i].t_ns = hold->times[hold->first + i].t_ns;
        hold->times[i].end = hold->times[hold->first + i].end - hold->start;
    }
    hold->start = hold->first = 0;
}

void hold_add(struct hold *hold, const struct piece *piece)
{
    uint32_t end = hold->start + hold->len + (uint32_t)piece->len;
    if (hold->start > 0 && (end > hold->room || hold->first + hold->pieces == hold->pieces_room)) {
        end -= hold->start;
        move_to_front(hold);
    }
    hold->data = grow(hold->data, &hold->room, end, 1);
    memcpy(hold->data + end - piece->len, piece->data, piece->len);
    hold->len += (uint32_t)piece->len;
    uint32_t next = hold->first + hold->pieces;
    if (hold->pieces == 0 || hold->times[next - 1].t_ns != piece->t_ns) {
        hold->times = grow(hold->times, &hold->pieces_room, next + 1, sizeof *hold->times);
        hold->times[next++].t_ns = piece->t_ns;
        hold->pieces++;
    }
    hold->times[next - 1].end = end;
}

struct piece hold_piece(const struct hold *hold, uint32_t i)
{
    assert(i < hold->pieces);
    const struct hold_time *time = &hold->times[hold->first + i];
    uint32_t start = i == 0 ? hold->start : time[-1].end;
    return (struct piece){
        .t_ns = time->t_ns, .offset = start - hold->start, .data = hold->data + start, .len = time->end - start};
}

void hold_skip(struct hold *hold, size_t n)
{
    assert(n <= hold->len);
    hold->start += (uint32_t)n;
    hold->len -= (uint32_t)n;
    while (hold->pieces > 0 && hold->times[hold->first].end <= hold->start) {
        hold->first++;
        hold->pieces--;
    }
    if (hold->len == 0) {
        hold_fini(hold);
    }
}

void hold_fini(struct hold *hold)
{
    free(hold->data);
    free(hold->times);
    *hold = (struct hold){0};
}
