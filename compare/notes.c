/* Notes; what there is to say about names on one side alone. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/plain.h"
#include "compare/notes_parts.h"

void note_begin(struct note_writer *writer)
{
    *writer = (struct note_writer){0};
    writer->out = open_memstream(&writer->text, &writer->len_bytes);
    if (!writer->out)
        abort();
}

void note_end(struct note_writer *writer, struct comparison *comparison, const char *code)
{
    if (fclose(writer->out) != 0)
        abort();
    comparison->notes =
        memory_grow(comparison->notes, comparison->note_count, &comparison->note_capacity, sizeof *comparison->notes);
    comparison->notes[comparison->note_count++] = (struct compare_note){code, writer->text};
}

void note_list_add(struct note_list *list, struct text name)
{
    if (list->count++ >= NOTE_LIST_MOST)
        return;
    fputs(list->count > 1 ? ", " : "", list->out);
    plain_print(list->out, name.data, name.len);
}

void note_list_end(struct note_list *list)
{
    if (list->count > NOTE_LIST_MOST)
        fprintf(list->out, " and %zu more", list->count - NOTE_LIST_MOST);
}

/* Say which names occur in one of two groups, but not in the other. */
static void one_sided(struct comparison *c, const struct keys *keys, const char *what, size_t has, size_t lacks)
{
    const struct text *names;
    size_t n = keys_distinct(keys, &names);
    struct note_writer w;
    note_begin(&w);
    fprintf(w.out, "%s in '%s' alone, not in '%s': ", what, c->groups[has].name, c->groups[lacks].name);
    struct note_list list = {.out = w.out};
    for (uint32_t id = 0; id < n; id++) {
        if (keys_present(keys, id, has) && !keys_present(keys, id, lacks))
            note_list_add(&list, names[id]);
    }
    note_list_end(&list);
    fputs(c->options->by == COMPARE_PAGE || c->options->by == COMPARE_SERVER
              ? "; they are not compared."
              : "; what differs may be due to them (--by page compares page with page).",
          w.out);
    if (list.count > 0) {
        note_end(&w, c, "one-sided");
        return;
    }
    fclose(w.out);
    free(w.text);
}

void notes_find(struct comparison *c, const struct observe_keys *keys)
{
    notes_of_sessions(c);
    bool servers = c->options->by == COMPARE_SERVER;
    struct keys *own = servers ? NULL : keys_new(KEYS_PAGE, c->groups, c->group_count, &c->texts);
    for (size_t g = 1; g < c->group_count; g++) {
        one_sided(c, own ? own : keys->subjects, servers ? "Servers" : "Pages", 0, g);
        one_sided(c, own ? own : keys->subjects, servers ? "Servers" : "Pages", g, 0);
    }
    keys_free(own);
    notes_of_rows(c);
}
