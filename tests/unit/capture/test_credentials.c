#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "capture/credentials.h"

static uint32_t number(struct credentials *credentials, const char *message, size_t len)
{
    return credentials_number(credentials, (const uint8_t *)message, len);
}

Test(credentials, equal_pairs_have_equal_numbers)
{
    struct credentials *credentials = credentials_new();
    cr_assert_eq(number(credentials, "\1\1a\1b", 5), 1);
    cr_assert_eq(number(credentials, "\1\1a\1c", 5), 2);
    cr_assert_eq(number(credentials, "\1\1a\1b", 5), 1);
    cr_assert_eq(number(credentials, "\1\1\0\1\0", 5), 3, "NUL is a byte like others");
    cr_assert_eq(number(credentials, "\1\0\0", 3), 4);
    cr_assert_eq(number(credentials, "\1\1\0\1\0", 5), 3);
    credentials_free(credentials);
}

Test(credentials, their_number_is_bounded)
{
    struct credentials *credentials = credentials_new();
    char text[16];
    for (unsigned i = 0; i < CREDENTIALS_MAX + 10; i++) {
        int len = snprintf(text, sizeof text, "%u", i);
        cr_assert_eq(number(credentials, text, (size_t)len), i < CREDENTIALS_MAX ? i + 1 : 0);
    }
    cr_assert_eq(number(credentials, "17", 2), 18, "known ones are still known");
    credentials_free(credentials);
}
