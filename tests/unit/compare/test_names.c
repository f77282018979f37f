/* Which names are the same, and the how-manieth each is. */
#include <criterion/criterion.h>
#include <string.h>

#include "compare/names.h"

static struct text text(const char *string)
{
    return (struct text){(const uint8_t *)string, (uint32_t)strlen(string)};
}

Test(names, ids_by_first_appearance_and_occurrences_by_group)
{
    static const struct {
        const char *text;
        uint32_t group, id, k;
    } rows[] = {{"b", 0, 0, 0}, {"a", 0, 1, 0}, {"b", 0, 0, 1}, {"", 0, 2, 0},  {"ba", 0, 3, 0},
                {"a", 1, 1, 0}, {"a", 1, 1, 1}, {"c", 1, 4, 0}, {"b", 1, 0, 0}, {"b", 2, 0, 0}};
    enum { N = sizeof rows / sizeof *rows };
    struct names names = {0};
    for (size_t i = 0; i < N; i++)
        cr_assert_eq(names_add(&names, text(rows[i].text), rows[i].group), i);
    names_finish(&names);
    for (size_t i = 0; i < N; i++) {
        cr_expect_eq(names.names[i].id, rows[i].id, "%zu", i);
        cr_expect_eq(names.names[i].k, rows[i].k, "%zu", i);
    }
    cr_assert_eq(names.distinct_count, 5);
    cr_expect(text_equal(names.distinct[3], text("ba")));
    names_fini(&names);
}

Test(names, none)
{
    struct names names = {0};
    names_finish(&names);
    cr_expect_eq(names.distinct_count, 0);
    names_fini(&names);
}
