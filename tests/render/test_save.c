/* Files are whole or untouched. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "render/save.h"

static char folder[] = "/tmp/mitm-test-save-XXXXXX";

static void set_up(void)
{
    cr_assert(mkdtemp(folder) != NULL);
    cr_assert_eq(chdir(folder), 0);
}

static void tear_down(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    (void)rmdir(folder);
}

TestSuite(save, .init = set_up, .fini = tear_down);

/* Check that the file `name` holds `content`. */
static void check_content(const char *name, const char *content)
{
    char bytes[100] = "";
    FILE *file = fopen(name, "rb");
    cr_assert(file != NULL);
    size_t len = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    cr_assert(len == strlen(content) && memcmp(bytes, content, len) == 0);
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

Test(save, new_and_old_files)
{
    umask(027);
    cr_assert_eq(save_file("new", "first", 5), 0);
    check_content("new", "first");
    struct stat status;
    cr_assert(stat("new", &status) == 0 && (status.st_mode & 0777) == 0640);
    cr_assert_eq(chmod("new", 0600), 0);
    cr_assert_eq(symlink("new", "link"), 0);
    cr_assert_eq(save_file("link", "second", 6), 0);
    check_content("new", "second");
    cr_assert(lstat("link", &status) == 0 && S_ISLNK(status.st_mode));
    cr_assert(stat("new", &status) == 0 && (status.st_mode & 0777) == 0600);
    cr_assert_eq(count_files(), 2);
}

Test(save, failures)
{
    cr_assert_eq(save_file("missing/file", "x", 1), ENOENT);
    cr_assert_eq(save_file(".", "x", 1), EISDIR);
    cr_assert_eq(save_file("/dev/full", "x", 1), ENOSPC);
    cr_assert_eq(save_file("/dev/null", "x", 1), 0);
    struct stat status;
    cr_assert(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode));
}

Test(save, no_room_leaves_the_old_file)
{
    static char bytes[100000];
    cr_assert_eq(save_file("file", "old", 3), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {50000, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(save_file("file", bytes, sizeof bytes), EFBIG);
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_content("file", "old");
    cr_assert_eq(count_files(), 1);
}
