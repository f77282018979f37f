/*
 * Writes the session of encrypted.h to standard output:
 *     make_encrypted STREAMS > encrypted.mitm
 */
#include <stdio.h>
#include <stdlib.h>

#include "encrypted.h"

static void write_record(void *ctx, Mitm__Record *record)
{
    uint8_t *bytes = malloc(event_encoded_size(record));
    if (!bytes)
        abort();
    size_t len = event_encode(record, bytes);
    if (len == 0 || fwrite(bytes, 1, len, ctx) != len)
        abort();
    free(bytes);
}

int main(int argc, char **argv)
{
    struct event_sink sink = {.emit = write_record, .ctx = stdout};
    uint32_t streams = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    if (streams == 0)
        return 2;
    encrypted_session(&sink, 1, streams);
    return fflush(stdout) == 0 ? 0 : 3;
}
