/*
 * The load of the bench: an origin server and a load generator.
 *
 *     bench_load origin [-p PORT] [-t SECONDS]
 *     bench_load run -o ORIGIN [-x PROXY] [-n REQUESTS] [-c CONNECTIONS] [-k REQUESTS_PER_CONNECTION]
 *                    [-b BODY_BYTES | -C CHUNKS] [-H] [-t SECONDS]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "body.h"
#include "client.h"
#include "origin.h"

enum { MAX_SECONDS = 3600, MAX_REQUESTS = 100000000, MAX_CONNECTIONS = 100000 };

static int usage(void)
{
    fprintf(stderr, "usage: bench_load origin [-p PORT] [-t SECONDS]\n"
                    "       bench_load run -o ORIGIN [-x PROXY] [-n REQUESTS] [-c CONNECTIONS]\n"
                    "                  [-k REQUESTS_PER_CONNECTION] [-b BODY_BYTES | -C CHUNKS] [-H] [-t SECONDS]\n");
    return 2;
}

/* Set *number to the number `text`, at most `max`. Return false if it is none. */
static bool number_parse(uint64_t *number, const char *text, uint64_t max)
{
    char *end;

    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *number <= max;
}

static int origin_main(int argc, char **argv)
{
    uint64_t port = 0, seconds = MAX_SECONDS;
    bool ok = true;
    int option;

    while ((option = getopt(argc, argv, "p:t:")) != -1)
        ok &= option == 'p' ? number_parse(&port, optarg, UINT16_MAX)
                            : option == 't' && number_parse(&seconds, optarg, MAX_SECONDS);
    if (!ok || optind != argc)
        return usage();
    origin_run((uint16_t)port, (unsigned)seconds);
    return 0;
}

static bool plan_option(struct client_plan *plan, int option, const char *value)
{
    uint64_t seconds;
    bool ok;

    switch (option) {
    case 'o':
        return net_parse(&plan->origin, value) && plan->origin.any.sa_family == AF_INET;
    case 'x':
        return net_parse(&plan->proxy, value) && plan->proxy.any.sa_family == AF_INET;
    case 'n':
        return number_parse(&plan->requests, value, MAX_REQUESTS);
    case 'c':
        return number_parse(&plan->parallel, value, MAX_CONNECTIONS);
    case 'k':
        return number_parse(&plan->per_connection, value, MAX_REQUESTS);
    case 'b':
    case 'C':
        plan->chunked = option == 'C';
        return number_parse(&plan->body, value, UINT64_MAX / BODY_TABLE_BYTES);
    case 'H':
        plan->hold = true;
        return true;
    case 't':
        ok = number_parse(&seconds, value, MAX_SECONDS);
        plan->seconds = (unsigned)seconds;
        return ok;
    default:
        return false;
    }
}

static int run_main(int argc, char **argv)
{
    struct client_plan plan = {.requests = 1, .parallel = 1, .seconds = 60};
    bool ok = true;
    int option;

    while ((option = getopt(argc, argv, "o:x:n:c:k:b:C:Ht:")) != -1)
        ok &= plan_option(&plan, option, optarg);
    if (!ok || optind != argc || plan.origin.len == 0 || plan.parallel == 0)
        return usage();
    return client_run(&plan) ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage();
    net_raise_file_limit();
    body_init();
    if (strcmp(argv[1], "origin") == 0)
        return origin_main(argc - 1, argv + 1);
    if (strcmp(argv[1], "run") == 0)
        return run_main(argc - 1, argv + 1);
    return usage();
}
