#include "report/encryption.h"

#include "analyze/format.h"
#include "analyze/metrics.h"
#include "analyze/words.h"

enum { STATUSES = 7 }; /* TlsDecryptionStatus; 0: not said */

/* The TLS connections of a session. */
struct counts {
    uint64_t tls, decrypted, in_part, hidden;
    uint64_t unfinished;         /* whose handshake was not completed: there is nothing to decrypt */
    uint64_t failures[STATUSES]; /* of those that are not, or not wholly, decrypted: why */
};

static void count_connection(struct counts *counts, const struct model_connection *c)
{
    const struct model_tls *tls = c->tls;
    counts->tls++;
    if (metrics_encrypted_from_ns(c) == MODEL_NONE) {
        counts->decrypted++;
    } else if (!metrics_hidden(c)) {
        counts->unfinished++;
    } else {
        counts->in_part += tls->decrypted;
        counts->hidden += !tls->decrypted;
        counts->failures[tls->failure < STATUSES ? tls->failure : 0]++;
    }
}

static struct counts count(const struct model_session *session)
{
    struct counts counts = {0};
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        if (c->tls)
            count_connection(&counts, c);
    }
    return counts;
}

bool encryption_exists(const struct model_session *session)
{
    return count(session).tls > 0;
}

uint64_t encryption_hidden(const struct model_session *session)
{
    return count(session).hidden;
}

/* Write why connections were not decrypted, and how many for each reason. */
static void print_reasons(FILE *out, const struct counts *counts)
{
    char number[FORMAT_BYTES];
    const char *separator = " (";
    for (uint32_t i = 1; i < STATUSES; i++) {
        const char *words = words_tls_decryption(i);
        if (counts->failures[i] == 0 || !words)
            continue;
        fprintf(out, "%s%s: %s", separator, words, format_count(number, counts->failures[i]));
        separator = "; ";
    }
    if (separator[0] == ';')
        putc(')', out);
}

void encryption_print(FILE *out, const struct model_session *session)
{
    struct counts counts = count(session);
    char a[FORMAT_BYTES], b[FORMAT_BYTES];
    const char *connections = counts.tls == 1 ? "connection" : "connections";
    bool with_keys = session->decrypted || counts.decrypted + counts.in_part > 0;
    if (with_keys)
        fprintf(out, "TLS was decrypted with the client's session keys: %s of %s %s.",
                format_count(a, counts.decrypted), format_count(b, counts.tls), connections);
    else
        fprintf(out, "TLS was not decrypted, since no key log was read (%s %s).", format_count(a, counts.tls),
                connections);
    if (counts.unfinished > 0)
        fprintf(out, " Handshakes that were not completed: %s.", format_count(a, counts.unfinished));
    if (counts.hidden + counts.in_part == 0)
        return;
    if (with_keys) {
        fprintf(out, " Not decrypted: %s", format_count(a, counts.hidden));
        if (counts.in_part > 0)
            fprintf(out, ", and %s not to the end", format_count(a, counts.in_part));
        print_reasons(out, &counts);
        fputs("; there, requests", out);
    } else {
        fputs(" Requests", out);
    }
    fputs(" cannot be seen: waiting and transfer are inferred from the records on the wire, and are marked so.", out);
}
