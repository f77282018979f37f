/* Proxy auto-configuration files: what browsers need to know to use the proxy. */
#ifndef MITM_VIEW_PAC_H
#define MITM_VIEW_PAC_H

#include "analyze/texts.h"

/*
 * Return a script (malloc'd, the caller frees it) that sends everything through the SOCKS5 proxy at `address`,
 * "127.0.0.1:9000" or "[::1]:9000" as recorded (an unspecified address becomes the loopback one); NULL if it is none.
 */
char *pac_script(struct text address);

#endif
