#include "view/pac.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read a port number; return false if `word` is none. */
static bool read_port(const char *word, unsigned *port)
{
    size_t digits = strspn(word, "0123456789");
    if (digits == 0 || digits > 5 || word[digits] != '\0')
        return false;
    *port = (unsigned)strtoul(word, NULL, 10);
    return *port > 0 && *port <= 65535;
}

/* Print the host of "host:port", in its usual form, to `out`. Return false if it is no IP address. */
static bool print_host(char *host, char *out, size_t room)
{
    struct in_addr v4;
    struct in6_addr v6;
    size_t len = strlen(host);
    if (inet_pton(AF_INET, host, &v4) == 1) {
        if (v4.s_addr == htonl(INADDR_ANY))
            v4.s_addr = htonl(INADDR_LOOPBACK);
        return inet_ntop(AF_INET, &v4, out, (socklen_t)room) != NULL;
    }
    if (len < 2 || host[0] != '[' || host[len - 1] != ']')
        return false;
    host[len - 1] = '\0';
    char plain[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, host + 1, &v6) != 1)
        return false;
    if (IN6_IS_ADDR_UNSPECIFIED(&v6))
        v6 = in6addr_loopback;
    snprintf(out, room, "[%s]", inet_ntop(AF_INET6, &v6, plain, sizeof plain));
    return true;
}

char *pac_script(struct text address)
{
    char text[64], host[INET6_ADDRSTRLEN + 2];
    unsigned port;
    if (address.len == 0 || address.len >= sizeof text)
        return NULL;
    memcpy(text, address.data, address.len);
    text[address.len] = '\0';
    char *colon = strrchr(text, ':');
    if (!colon)
        return NULL;
    *colon = '\0';
    if (!read_port(colon + 1, &port) || !print_host(text, host, sizeof host))
        return NULL;
    char *script;
    if (asprintf(&script,
                 "// Everything goes through mitm-proxy; it never goes around it.\n"
                 "function FindProxyForURL(url, host) {\n"
                 "  return \"SOCKS5 %s:%u; SOCKS %s:%u\";\n"
                 "}\n",
                 host, port, host, port) < 0)
        abort();
    return script;
}
