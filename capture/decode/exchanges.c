#include "capture/decode/exchanges.h"

#include <assert.h>

uint32_t exchanges_add(struct exchanges *exchanges, bool head)
{
    assert(!exchanges_full(exchanges));
    uint32_t slot = ++exchanges->last % EXCHANGES_MAX;
    uint64_t bit = UINT64_C(1) << slot % 64;
    exchanges->waiting++;
    if (head) {
        exchanges->heads[slot / 64] |= bit;
    } else {
        exchanges->heads[slot / 64] &= ~bit;
    }
    return exchanges->last;
}

uint32_t exchanges_first(const struct exchanges *exchanges)
{
    return exchanges->waiting == 0 ? 0 : exchanges->last - exchanges->waiting + 1;
}

bool exchanges_first_is_head(const struct exchanges *exchanges)
{
    assert(exchanges->waiting > 0);
    uint32_t slot = exchanges_first(exchanges) % EXCHANGES_MAX;
    return exchanges->heads[slot / 64] >> slot % 64 & 1;
}

void exchanges_remove_first(struct exchanges *exchanges)
{
    assert(exchanges->waiting > 0);
    exchanges->waiting--;
}
