/* Pieces of JSON (RFC 8259). */
#ifndef MITM_BASE_JSON_H
#define MITM_BASE_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Print `len` bytes at `data` to `out` as a string or, if they are not valid UTF-8, as {"base64":"…"}. Controls, and
 * what turns the writing direction, are escaped. */
void json_bytes(FILE *out, const uint8_t *data, size_t len);

/* Print them as {"base64":"…"}. */
void json_base64(FILE *out, const uint8_t *data, size_t len);

/* Print `value` with the fewest digits that lead back to it; null if it is not finite. */
void json_number(FILE *out, double value);

/* Write the same digits of the finite `value` into `to`; return it. */
enum { JSON_NUMBER_BYTES = 32 };
const char *json_digits(char to[JSON_NUMBER_BYTES], double value);

#endif
