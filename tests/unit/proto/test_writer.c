#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "proto/writer.h"
#include "sample.h"

static char dir[] = "/tmp/mitm-writer-XXXXXX";
static char path[64];

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s.mitm", dir);
}

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

TestSuite(writer, .init = make_dir, .fini = remove_dir);

static size_t file_bytes(uint8_t *bytes, size_t size)
{
    int fd = open(path, O_RDONLY);
    cr_assert_geq(fd, 0);
    ssize_t n = read(fd, bytes, size);
    cr_assert_geq(n, 0);
    close(fd);
    return (size_t)n;
}

static struct writer *open_writer(bool force)
{
    int error = 0;
    struct writer *writer = writer_open(path, force, &error);
    cr_assert_not_null(writer, "errno %d", error);
    return writer;
}

Test(writer, file_is_private_and_exact)
{
    struct sample sample;
    sample_make(&sample, 1, (const uint8_t *)"body", 4);
    umask(0);
    struct writer *writer = open_writer(false);
    cr_assert_eq(writer_write(writer, sample.bytes, sample.len, false), 0);
    cr_assert_eq(writer_size_bytes(writer), sample.len);
    cr_assert_eq(writer_close(writer), 0);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq((size_t)st.st_size, sample.len, "nothing of the reserve is left");
    uint8_t bytes[SAMPLE_SIZE];
    cr_assert_eq(file_bytes(bytes, sizeof bytes), sample.len);
    cr_assert_arr_eq(bytes, sample.bytes, sample.len);
}

Test(writer, does_not_overwrite_unless_forced)
{
    cr_assert_eq(writer_close(open_writer(false)), 0);
    cr_assert_eq(chmod(path, 0644), 0);
    int error = 0;
    cr_assert_null(writer_open(path, false, &error));
    cr_assert_eq(error, EEXIST);
    cr_assert_eq(writer_close(open_writer(true)), 0);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600, "the old file's permissions are not inherited");
}

static char target[64];

/* Make `path` a link to `target`, a file that others may read. */
static void make_link(void)
{
    snprintf(target, sizeof target, "%s/target", dir);
    int fd = open(target, O_WRONLY | O_CREAT, 0644);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "precious", 8), 8);
    close(fd);
    cr_assert_eq(symlink(target, path), 0);
}

Test(writer, a_link_is_replaced_not_followed)
{
    make_link();
    int error = 0;
    cr_assert_null(writer_open(path, false, &error));
    cr_assert_eq(error, EEXIST);
    cr_assert_eq(writer_close(open_writer(true)), 0);
    struct stat st;
    cr_assert_eq(lstat(path, &st), 0);
    cr_assert(S_ISREG(st.st_mode));
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(stat(target, &st), 0);
    cr_assert_eq(st.st_size, 8, "what the link pointed to is as it was");
    unlink(target);
}

Test(writer, devices_are_written_to)
{
    snprintf(path, sizeof path, "%s/null", dir);
    cr_assert_eq(symlink("/dev/null", path), 0);
    struct writer *writer = open_writer(true);
    cr_assert_eq(writer_write(writer, (const uint8_t *)"block", 5, false), 0);
    cr_assert_eq(writer_close(writer), 0);
    struct stat st;
    cr_assert_eq(lstat(path, &st), 0);
    cr_assert(S_ISLNK(st.st_mode));
}

Test(writer, zst_is_what_zstd_reads)
{
    snprintf(path, sizeof path, "%s/s.mitm.zst", dir);
    struct sample sample;
    sample_make(&sample, 1, (const uint8_t *)"body", 4);
    struct writer *writer = open_writer(false);
    cr_assert_eq(writer_write(writer, sample.bytes, sample.end[2], false), 0);
    cr_assert_eq(writer_write(writer, sample.bytes + sample.end[2], sample.len - sample.end[2], false), 0);
    cr_assert_eq(writer_close(writer), 0);
    uint8_t compressed[SAMPLE_SIZE], bytes[SAMPLE_SIZE];
    size_t n = file_bytes(compressed, sizeof compressed);
    cr_assert_eq(ZSTD_decompress(bytes, sizeof bytes, compressed, n), sample.len);
    cr_assert_arr_eq(bytes, sample.bytes, sample.len);
}

Test(writer, a_block_is_written_whole_or_not_at_all)
{
    /* Writing stops at RLIMIT_FSIZE, in the middle of the third block. */
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = 120000, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    static const uint8_t block[50000] = {1};
    struct writer *writer = open_writer(false);
    cr_assert_eq(writer_write(writer, block, sizeof block, false), 0);
    cr_assert_eq(writer_write(writer, block, sizeof block, false), 0);
    cr_assert_eq(writer_write(writer, block, sizeof block, false), EFBIG);
    cr_assert_eq(writer_size_bytes(writer), 100000);
    cr_assert_eq(writer_write(writer, block, 300, true), 0);
    cr_assert_eq(writer_close(writer), 0);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, 100300);
}
