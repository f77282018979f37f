#include "vector.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void fail(const struct vector *vector, const char *what, const char *line)
{
    fprintf(stderr, "%s: %s: %s\n", vector->name, what, line);
    exit(2);
}

static int direction_index(char c)
{
    return c == '>' ? 0 : 1;
}

static uint8_t hex_digit(const struct vector *vector, char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    if (!at) {
        fail(vector, "not a hexadecimal digit", (char[]){c, 0});
    }
    return (uint8_t)(at - digits);
}

/* Decode the escape behind a backslash; return how many characters it has. */
static size_t decode_escape(const struct vector *vector, const char *at, uint8_t *byte)
{
    switch (*at) {
    case 'r':
        *byte = '\r';
        return 1;
    case 'n':
        *byte = '\n';
        return 1;
    case 't':
        *byte = '\t';
        return 1;
    case '\\':
        *byte = '\\';
        return 1;
    case 'x':
        *byte = (uint8_t)(hex_digit(vector, at[1]) << 4);
        *byte |= hex_digit(vector, at[2]);
        return 3;
    default:
        fail(vector, "unknown escape", at);
    }
}

/* Return the block that the next bytes of `direction` belong to. */
static struct vector_block *block_for(struct vector *vector, int direction, bool separate)
{
    Mitm__Direction d = direction == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT;
    struct vector_block *last = vector->blocks_n > 0 ? &vector->blocks[vector->blocks_n - 1] : NULL;
    if (last && last->direction == d && last->len > 0 && !separate) {
        return last;
    }
    if (vector->blocks_n == VECTOR_MAX_BLOCKS) {
        fail(vector, "too many blocks", "");
    }
    struct vector_block *block = &vector->blocks[vector->blocks_n++];
    *block = (struct vector_block){
        .direction = d, .offset = vector->sent[direction], .data = vector->bytes[direction] + vector->sent[direction]};
    return block;
}

static void read_bytes(struct vector *vector, const char *line, bool separate)
{
    int direction = direction_index(line[0]);
    struct vector_block *block = block_for(vector, direction, separate);
    for (const char *at = line + 2; *at; at++) {
        if (at[0] == '{' && at[1] && at[2] == '}') {
            unsigned mark = (unsigned char)at[1];
            if (mark >= 128 || vector->marks[mark].direction >= 0) {
                fail(vector, "name given twice", at);
            }
            vector->marks[mark].direction = direction;
            vector->marks[mark].offset = vector->sent[direction];
            at += 2;
            continue;
        }
        uint8_t byte = (uint8_t)*at;
        if (*at == '\\') {
            at += decode_escape(vector, at + 1, &byte);
        }
        if (vector->sent[direction] == VECTOR_MAX_BYTES) {
            fail(vector, "too many bytes", line);
        }
        vector->bytes[direction][vector->sent[direction]++] = byte;
        block->len++;
    }
}

/* Return the cause in a line like "> FIN.", 0 if the line is none. */
static int end_cause(const char *line)
{
    size_t len = strlen(line) - 3; /* without direction and full stop */
    for (int cause = MITM__END_CAUSE__FIN; cause <= MITM__END_CAUSE__SESSION_ENDED; cause++) {
        const char *name = event_enum_name(&mitm__end_cause__descriptor, cause);
        if (strlen(name) == len && memcmp(line + 2, name, len) == 0 && line[len + 2] == '.') {
            return cause;
        }
    }
    return 0;
}

static void read_line(struct vector *vector, const char *line, bool *separate)
{
    uint64_t number;
    char direction;
    if (strncmp(line, "> ", 2) == 0 || strncmp(line, "< ", 2) == 0) {
        int cause = end_cause(line);
        if (cause != 0) {
            block_for(vector, direction_index(line[0]), true)->end = (Mitm__EndCause)cause;
        } else {
            read_bytes(vector, line, *separate);
        }
        *separate = false;
    } else if (strcmp(line, "--") == 0) {
        *separate = true;
    } else if (sscanf(line, "limit %" SCNu64, &number) == 1) {
        vector->body_limit_bytes = number;
    } else if (sscanf(line, "untold %c %" SCNu64, &direction, &number) == 2) {
        vector->untold_bytes[direction_index(direction)] = number;
    } else if (*line && *line != '#') {
        fail(vector, "not understood", line);
    }
}

static char *read_file(const struct vector *vector, const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 65536);
    if (!file || !text || fread(text, 1, 65535, file) == 0) {
        fail(vector, "cannot be read", path);
    }
    fclose(file);
    return text;
}

struct vector *vector_read(const char *path)
{
    struct vector *vector = calloc(1, sizeof *vector);
    assert(vector);
    vector->name = strdup(path);
    vector->body_limit_bytes = UINT64_MAX;
    for (size_t i = 0; i < 128; i++) {
        vector->marks[i].direction = -1;
    }
    char *text = read_file(vector, path);
    char *rest = text;
    bool separate = false;
    char *line = strsep(&rest, "\n");
    while (line && strcmp(line, "---") != 0) {
        read_line(vector, line, &separate);
        line = strsep(&rest, "\n");
    }
    if (!line || !rest) {
        fail(vector, "no line ---", "");
    }
    vector->expected = strdup(rest);
    free(text);
    return vector;
}

void vector_free(struct vector *vector)
{
    free(vector->name);
    free(vector->expected);
    free(vector);
}

static size_t mark_offset(const struct vector *vector, char name, int *direction)
{
    unsigned mark = (unsigned char)name;
    if (mark >= 128 || vector->marks[mark].direction < 0) {
        fail(vector, "unknown name", (char[]){name, 0});
    }
    *direction = vector->marks[mark].direction;
    return vector->marks[mark].offset;
}

/* Print the time that a line begins with; return how many characters of it that is. */
static size_t print_time(FILE *out, const struct vector *vector, const char *line, uint64_t *const times[2])
{
    int direction;
    if (line[0] == '*') {
        fputc('*', out);
        return 1;
    }
    if ((line[0] == '>' || line[0] == '<') && line[1] == '.') {
        direction = direction_index(line[0]);
        fprintf(out, "%" PRIu64, times[direction][vector->sent[direction]]);
        return 2;
    }
    size_t offset = mark_offset(vector, line[0], &direction);
    fprintf(out, "%" PRIu64, times[direction][offset]);
    return 1;
}

/* Print the number that @a, @>. or @a..b stands for; return how many characters that is. */
static size_t print_position(FILE *out, const struct vector *vector, const char *at)
{
    int direction;
    if ((at[1] == '>' || at[1] == '<') && at[2] == '.') {
        fprintf(out, "@%zu", vector->sent[direction_index(at[1])]);
        return 3;
    }
    size_t first = mark_offset(vector, at[1], &direction);
    if (strncmp(at + 2, "..", 2) != 0) {
        fprintf(out, "@%zu", first);
        return 2;
    }
    fprintf(out, "%zu", mark_offset(vector, at[4], &direction) - first + 1);
    return 5;
}

static void print_line(FILE *out, const struct vector *vector, const char *line, uint64_t *const times[2])
{
    const char *at = line + print_time(out, vector, line, times);
    bool quoted = false;
    while (*at) {
        quoted ^= *at == '"';
        if (!quoted && *at == '@') {
            at += print_position(out, vector, at);
        } else if (!quoted && *at == '~') {
            at += 1 + print_time(out, vector, at + 1, times);
        } else {
            fputc(*at++, out);
        }
    }
    fputc('\n', out);
}

char *vector_expected(const struct vector *vector, uint64_t *const times[2])
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    char *lines = strdup(vector->expected);
    assert(out && lines);
    char *rest = lines;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (*line && *line != '#') {
            print_line(out, vector, line, times);
        }
    }
    free(lines);
    fclose(out);
    return text;
}
