#include "secret.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum { SHOWN = 16, WINDOW = 1 << 20 };

/* A sanitizer alone has maps as large, for what it knows of other memory. */
#define SHADOW_BYTES ((uintptr_t)1 << 32)

static const char digits[] = "0123456789abcdef";
static uint8_t secret[SECRET_BYTES]; /* masked */

void secret_make(void)
{
    cr_assert_eq(getrandom(secret, sizeof secret, 0), sizeof secret); /* so it never was clear */
}

void secret_set(const uint8_t masked[SHOWN])
{
    memcpy(secret, masked, SHOWN);
}

void secret_unmask(uint8_t out[SECRET_BYTES])
{
    for (size_t i = 0; i < SECRET_BYTES; i++)
        out[i] = secret[i] ^ SECRET_MASK;
}

static char *put_hex(char *at, uint8_t byte)
{
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
    return at;
}

void secret_make_line(unsigned n, char out[SECRET_LINE_BYTES])
{
    static const char label[] = "CLIENT_RANDOM ";
    char *at = out + strlen(label);
    memcpy(out, label, strlen(label));
    for (size_t i = 0; i < 32; i++)
        at = put_hex(at, (uint8_t)n);
    *at++ = ' ';
    for (size_t i = 0; i < SECRET_BYTES; i++)
        at = put_hex(at, secret[i] ^ SECRET_MASK);
}

static bool stands_at(const uint8_t *at)
{
    for (size_t i = 0; i < SHOWN; i++)
        if ((at[i] ^ SECRET_MASK) != secret[i])
            return false;
    return true;
}

static bool hex_stands_at(const uint8_t *at)
{
    for (size_t i = 0; i < SHOWN / 2; i++) {
        uint8_t byte = secret[i] ^ SECRET_MASK;
        if (at[2 * i] != digits[byte >> 4] || at[2 * i + 1] != digits[byte & 15])
            return false;
    }
    return true;
}

/* Count where `stands` holds among the `n` bytes at `data`, and the byte there is `first`. */
static size_t count_of(const uint8_t *data, size_t n, uint8_t first, bool (*stands)(const uint8_t *at))
{
    size_t found = 0;
    const uint8_t *end = data + n;
    for (const uint8_t *at = data; at + SHOWN <= end && (at = memchr(at, first, (size_t)(end - at))); at++)
        found += at + SHOWN <= end && stands(at);
    return found;
}

static size_t count_in(int memory, uintptr_t from, uintptr_t end, uint8_t *window)
{
    size_t found = 0;
    uint8_t first = secret[0] ^ SECRET_MASK;
    for (; from + SHOWN <= end; from += WINDOW - SHOWN + 1) {
        ssize_t n = pread(memory, window, end - from < WINDOW ? end - from : WINDOW, (off_t)from);
        if (n <= 0)
            continue;
        found += count_of(window, (size_t)n, first, stands_at);
        found += count_of(window, (size_t)n, digits[first >> 4], hex_stands_at);
    }
    return found;
}

size_t secret_count(void)
{
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    cr_assert(memory >= 0 && maps);
    uint8_t *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uintptr_t window_from = (uintptr_t)window, window_end = window_from + WINDOW;
    char line[512], mode[5];
    size_t found = 0;
    while (fgets(line, sizeof line, maps)) {
        uintptr_t from, end;
        cr_assert_eq(sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &end, mode), 3);
        if (strncmp(mode, "rw", 2) != 0 || end - from > SHADOW_BYTES)
            continue;
        bool has_window = from < window_end && end > window_from; /* what was read would be found again */
        found += count_in(memory, from, has_window ? window_from : end, window);
        if (has_window)
            found += count_in(memory, window_end, end, window);
    }
    munmap(window, WINDOW);
    fclose(maps);
    close(memory);
    return found;
}
