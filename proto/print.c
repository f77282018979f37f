/* Prints events by reflection: protobuf-c's descriptors know names and types, so a new event needs no code here. */
#include "proto/event.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"

static const ProtobufCFieldDescriptor *event_field(const Mitm__Record *record)
{
    return protobuf_c_message_descriptor_get_field(&mitm__record__descriptor, (unsigned)record->event_case);
}

static const void *at_offset(const void *base, unsigned offset)
{
    return (const uint8_t *)base + offset;
}

static bool is_data(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_BYTES && strcmp(field->name, "data") == 0;
}

static bool is_64_bit(ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_SINT64;
}

/* Size of one of a repeated field's values. The schema has messages, strings, bytes, enums, and integers of these
 * types. */
static size_t element_size(ProtobufCType type)
{
    if (type == PROTOBUF_C_TYPE_BYTES)
        return sizeof(ProtobufCBinaryData);
    if (type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_MESSAGE)
        return sizeof(void *);
    return is_64_bit(type) ? sizeof(uint64_t) : sizeof(uint32_t);
}

/* Return how many values the field of `message` has, and store where the first one lies. */
static size_t field_values(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const void **first)
{
    const void *at = at_offset(message, field->offset);
    *first = at;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        *first = *(const void *const *)at;
        return *(const size_t *)at_offset(message, field->quantifier_offset);
    }
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(const void *const *)at != NULL;
    return *(const protobuf_c_boolean *)at_offset(message, field->quantifier_offset) != 0;
}

static void print_number(FILE *out, const ProtobufCFieldDescriptor *field, const void *at)
{
    if (field->type == PROTOBUF_C_TYPE_SINT64)
        fprintf(out, "%" PRId64, *(const int64_t *)at);
    else if (is_64_bit(field->type))
        fprintf(out, "%" PRIu64, *(const uint64_t *)at);
    else
        fprintf(out, "%" PRIu32, *(const uint32_t *)at);
}

/* Return the name of the enum's value at `at`; NULL if it is of a newer version, or no enum. */
static const char *enum_name(const ProtobufCFieldDescriptor *field, const void *at)
{
    return field->type == PROTOBUF_C_TYPE_ENUM ? event_enum_name(field->descriptor, *(const int *)at) : NULL;
}

/* How the two forms differ. */
struct style {
    const char *before_name, *after_name, *separator;
    void (*print_value)(FILE *out, const ProtobufCFieldDescriptor *field, const void *at);
};

static void print_text_value(FILE *out, const ProtobufCFieldDescriptor *field, const void *at);
static void print_json_value(FILE *out, const ProtobufCFieldDescriptor *field, const void *at);

static const struct style text_style = {"", "=", " ", print_text_value};
static const struct style json_style = {"\"", "\":", ",", print_json_value};

/* Print name and value of each field that is set, `separator` before the first one and the style's before the others.
 */
static void print_message(FILE *out, const ProtobufCMessage *message, const char *separator, const struct style *style)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        const void *first;
        size_t n = field_values(message, field, &first);
        if (n == 0)
            continue;
        fprintf(out, "%s%s%s%s", separator, style->before_name, field->name, style->after_name);
        separator = style->separator;
        bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
        if (list)
            putc('[', out);
        for (size_t k = 0; k < n; k++) {
            if (k > 0)
                fputs(style->separator, out);
            style->print_value(out, field, at_offset(first, (unsigned)(k * element_size(field->type))));
        }
        if (list)
            putc(']', out);
    }
}

/* ---------------------------------------------------------------- text */

static void print_text_bytes(FILE *out, const uint8_t *p, size_t n)
{
    putc('"', out);
    for (size_t i = 0; i < n; i++) {
        if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\')
            putc(p[i], out);
        else
            fprintf(out, "\\x%02X", p[i]);
    }
    putc('"', out);
}

static void print_text_value(FILE *out, const ProtobufCFieldDescriptor *field, const void *at)
{
    const ProtobufCBinaryData *bytes = at;
    if (is_data(field)) {
        fprintf(out, "[%zu]", bytes->len);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        print_text_bytes(out, bytes->data, bytes->len);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        print_text_bytes(out, *(const uint8_t *const *)at, strlen(*(const char *const *)at));
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        putc('{', out);
        print_message(out, *(const ProtobufCMessage *const *)at, "", &text_style);
        putc('}', out);
    } else if (enum_name(field, at)) {
        fputs(enum_name(field, at), out);
    } else {
        print_number(out, field, at);
    }
}

static const ProtobufCMessage *event_message(const Mitm__Record *record)
{
    if (record->event_case == MITM__RECORD__EVENT__NOT_SET)
        return NULL;
    return *(const ProtobufCMessage *const *)at_offset(record, event_field(record)->offset);
}

void event_print_text(FILE *out, const Mitm__Record *record)
{
    uint64_t ms = (record->t_ns + 500000) / 1000000;
    fprintf(out, "%03" PRIu64 ".%03" PRIu64 " ", ms / 1000, ms % 1000);
    if (record->has_connection)
        fprintf(out, "%" PRIu32 " %s", record->connection, event_name(record));
    else
        fprintf(out, "- %s", event_name(record));
    if (record->has_exchange)
        fprintf(out, " exchange=%" PRIu32, record->exchange);
    if (record->has_t_slack_ns)
        fprintf(out, " t_slack_ns=%" PRIu64, record->t_slack_ns);
    const ProtobufCMessage *message = event_message(record);
    if (message)
        print_message(out, message, " ", &text_style);
    putc('\n', out);
}

/* ---------------------------------------------------------------- JSON */

void event_print_json_bytes(FILE *out, const uint8_t *data, size_t len)
{
    json_bytes(out, data, len);
}

static void print_json_value(FILE *out, const ProtobufCFieldDescriptor *field, const void *at)
{
    const ProtobufCBinaryData *bytes = at;
    if (is_data(field)) {
        json_base64(out, bytes->data, bytes->len);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        json_bytes(out, bytes->data, bytes->len);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        json_bytes(out, *(const uint8_t *const *)at, strlen(*(const char *const *)at));
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        putc('{', out);
        print_message(out, *(const ProtobufCMessage *const *)at, "", &json_style);
        putc('}', out);
    } else if (enum_name(field, at)) {
        fprintf(out, "\"%s\"", enum_name(field, at));
    } else {
        print_number(out, field, at);
    }
}

void event_print_json(FILE *out, const Mitm__Record *record)
{
    fprintf(out, "{\"t_ns\":%" PRIu64, record->t_ns);
    if (record->has_connection)
        fprintf(out, ",\"connection\":%" PRIu32, record->connection);
    if (record->has_exchange)
        fprintf(out, ",\"exchange\":%" PRIu32, record->exchange);
    if (record->has_t_slack_ns)
        fprintf(out, ",\"t_slack_ns\":%" PRIu64, record->t_slack_ns);
    fprintf(out, ",\"event\":\"%s\"", event_name(record));
    const ProtobufCMessage *message = event_message(record);
    if (message)
        print_message(out, message, ",", &json_style);
    fputs("}\n", out);
}
