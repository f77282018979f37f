#include <criterion/criterion.h>

#include "capture/bucket.h"

#define MS UINT64_C(1000000)

Test(bucket, starts_empty_and_fills_with_the_rate)
{
    struct bucket bucket = {.t_ns = 1000 * MS};
    cr_assert_eq(bucket_look(&bucket, 100000, 1000 * MS), 0);
    cr_assert_eq(bucket_look(&bucket, 100000, 1010 * MS), 1000, "10 ms of 100,000 bytes/s");
    bucket_take(&bucket, 1000);
    cr_assert_eq(bucket_look(&bucket, 100000, 1010 * MS), 0);
}

Test(bucket, saves_up_no_more_than_a_burst)
{
    struct bucket bucket = {0};
    cr_assert_eq(bucket_look(&bucket, 100000, 3600000 * MS), 4000, "40 ms");
    cr_assert_eq(bucket_look(&bucket, 10, 7200000 * MS), 256, "the least");
}

Test(bucket, what_flowed_too_much_is_waited_for)
{
    struct bucket bucket = {0};
    bucket_take(&bucket, 5000);
    cr_assert_eq(bucket_look(&bucket, 100000, 50 * MS), 0);
    cr_assert_eq(bucket_look(&bucket, 100000, 51 * MS), 100);
}

Test(bucket, loses_no_fraction_of_a_byte)
{
    struct bucket bucket = {0};
    uint64_t flowed = 0;
    for (uint64_t t_ns = 0; t_ns <= 3000 * MS; t_ns += 333) {
        size_t now = bucket_look(&bucket, 51200, t_ns);
        bucket_take(&bucket, now);
        flowed += now;
    }
    cr_assert(flowed >= 153599 && flowed <= 153600, "3 s of 51,200 bytes/s: %lu", (unsigned long)flowed);
}

Test(bucket, rate_changes_at_any_time)
{
    struct bucket bucket = {0};
    cr_assert_eq(bucket_look(&bucket, 0, 10 * MS), SIZE_MAX, "no limit");
    bucket_take(&bucket, 1 << 30);
    cr_assert_eq(bucket_look(&bucket, 0, 20 * MS), SIZE_MAX);
    cr_assert_eq(bucket_look(&bucket, 1000000, 20 * MS), 0, "what flowed without a limit is not owed");
    cr_assert_eq(bucket_look(&bucket, 1000000, 21 * MS), 1000);
    cr_assert_eq(bucket_look(&bucket, UINT64_C(1) << 40, 1021 * MS), (UINT64_C(1) << 40) / 25, "the highest");
    cr_assert_eq(bucket_look(&bucket, UINT64_C(1) << 40, UINT64_MAX), (UINT64_C(1) << 40) / 25, "after centuries");
}
