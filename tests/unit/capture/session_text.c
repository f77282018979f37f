#include "session_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reader.h"

const char *session_text(const char *path)
{
    static char *text;
    size_t len, got;
    free(text);
    FILE *out = open_memstream(&text, &len), *file = fopen(path, "rb");
    cr_assert(out && file, "%s", path);
    struct reader *reader = reader_new();
    do {
        uint8_t *room = reader_reserve(reader, 65536, &got);
        got = fread(room, 1, got, file);
        reader_commit(reader, got);
        if (got == 0)
            reader_finish(reader);
        for (struct reader_item item; reader_next(reader, &item) == READER_RECORD;)
            event_print_text(out, item.record);
    } while (got > 0);
    reader_free(reader);
    fclose(file);
    fclose(out);
    return text;
}

void assert_has(const char *text, const char *what)
{
    cr_assert_not_null(strstr(text, what), "%s is not in\n%s", what, text);
}

void assert_lacks(const char *text, const char *what)
{
    cr_assert_null(strstr(text, what), "%s is in\n%s", what, text);
}
