/* The requests as CSV; see report/report.h. */
#include <inttypes.h>

#include "analyze/escape.h"
#include "analyze/metrics.h"
#include "report/selection.h"

static void put_optional(FILE *out, int64_t value)
{
    putc(',', out);
    if (value != MODEL_NONE)
        fprintf(out, "%" PRId64, value);
}

static void put_exchange(FILE *out, const struct selection *selection, const struct model_connection *connection,
                         const struct model_exchange *x)
{
    size_t index = (size_t)(x - selection->session->exchanges);
    fprintf(out, "%" PRIu32 ",%" PRIu32 ",", connection->id, x->id);
    if (selection->pages && pages_of_exchange(selection->pages, index) > 0)
        fprintf(out, "%" PRIu32, pages_of_exchange(selection->pages, index));
    putc(',', out);
    escape_print_csv(out, connection->host);
    fprintf(out, ",%" PRIu32 ",", connection->port);
    escape_print_csv(out, x->method);
    putc(',', out);
    escape_print_csv(out, x->target);
    putc(',', out);
    if (x->has_status)
        fprintf(out, "%" PRIu32, x->status);
    put_optional(out, x->request.start_ns);
    put_optional(out, x->response.start_ns);
    put_optional(out, x->response.end_ns);
    put_optional(out, metrics_response_ns(connection, x));
    put_optional(out, metrics_waiting_ns(connection, x));
    put_optional(out, metrics_transfer_ns(connection, x));
    put_optional(out, x->response.body_bytes);
    fprintf(out, ",%d\r\n", metrics_complete(x));
}

void report_csv(FILE *out, const struct report_input *input, const struct report_query *query)
{
    size_t number;
    const struct model_session *session = report_session(input, query, &number);
    fputs("connection,exchange,page,host,port,method,target,status,request_start_ns,response_start_ns,response_end_ns,"
          "response_ns,waiting_ns,transfer_ns,body_bytes,complete\r\n",
          out);
    if (!session)
        return;
    struct selection selection;
    selection_init(&selection, session, input->pages, query);
    for (size_t i = 0; i < selection.count; i++) {
        const struct model_connection *connection = model_connection(session, selection.connections[i]);
        for (const struct model_exchange *x = model_first_exchange(session, connection); x;
             x = model_next_exchange(session, x)) {
            if (selection_has_exchange(&selection, x))
                put_exchange(out, &selection, connection, x);
        }
    }
    selection_fini(&selection);
}
