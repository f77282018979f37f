/* Runs a fuzz target over every file of a directory: what the fuzzer once found stays tested without the fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void replay(const char *dir, const char *name)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) {
        fprintf(stderr, "%s/%s: path too long\n", dir, name);
        exit(1);
    }
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    size_t len = (size_t)ftell(file);
    rewind(file);
    /* Exactly as long as the input, so that the sanitizer sees a read behind its end. */
    uint8_t *data = malloc(len ? len : 1);
    if (!data || fread(data, 1, len, file) != len) {
        perror(path);
        exit(1);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, len);
    free(data);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    DIR *dir = opendir(argv[1]);
    if (!dir) {
        perror(argv[1]);
        return 1;
    }
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.') {
            replay(argv[1], entry->d_name);
            n++;
        }
    }
    closedir(dir);
    printf("%d inputs replayed\n", n);
    return n > 0 ? 0 : 1;
}
