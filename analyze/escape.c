#include "analyze/escape.h"

#include "base/plain.h"

void escape_print(FILE *out, struct text text)
{
    plain_print(out, text.data, text.len);
}

void escape_print_csv(FILE *out, struct text text)
{
    plain_print_csv(out, text.data, text.len);
}
