/* Tables of a document on paper. */
#include <assert.h>
#include <math.h>

#include "render/paper_parts.h"

#define COLUMN_GAP  12.0
#define ROW_PADDING 3.0
#define LEAST_WIDTH 48.0 /* of a column whose texts are wrapped */
#define HEAD_LINES  3
#define KEPT_ROWS   12  /* a table of so many rows is not divided; */
#define FIRST_ROWS  2   /* of a longer one so many stay with the head */
#define SIDE        4.0 /* stripes and rules reach so far beyond the texts */

struct column {
    double least;  /* width that it does not go below: of numbers, and of the longest word of the head */
    double wished; /* width of the widest cell, or of the head in one line */
    double width;
    double x; /* left edge */
};

struct table {
    struct paper *paper;
    const struct paper_column *columns;
    struct column *places;
    size_t column_count;
    const struct paper_cell *cells;
    size_t row_count;
    bool has_head;
    double line; /* height of a line */
};

static enum text_style cell_style(const struct paper_cell *cell)
{
    return cell->strong ? TEXT_HEADING : TEXT_BODY;
}

static const struct paper_cell *cell_at(const struct table *table, size_t row, size_t column)
{
    return &table->cells[row * table->column_count + column];
}

static double measure_text(struct table *table, enum text_style style, struct figure_text text)
{
    return text_width(table->paper->layout->meter, style, paper_text(table->paper, text));
}

/* Return the width of the longest word of `text`. */
static double longest_word(struct table *table, struct figure_text text)
{
    double widest = 0;
    char **words = g_strsplit(paper_text(table->paper, text), " ", -1);
    for (char **word = words; *word; word++)
        widest = fmax(widest, text_width(table->paper->layout->meter, TEXT_HEADING, *word));
    g_strfreev(words);
    return widest;
}

static void measure_column(struct table *table, size_t number)
{
    const struct paper_column *column = &table->columns[number];
    double cells = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        const struct paper_cell *cell = cell_at(table, row, number);
        cells = fmax(cells, measure_text(table, cell_style(cell), cell->text));
    }
    double word = longest_word(table, column->head);
    table->places[number] = (struct column){
        .least = fmax(word, column->right ? cells : fmin(cells, LEAST_WIDTH)),
        .wished = fmax(cells, measure_text(table, TEXT_HEADING, column->head)),
    };
}

/* Return the sum of the widths if no column is wider than `most`, unless its least width is. */
static double width_at(const struct table *table, double most)
{
    double sum = 0;
    for (size_t i = 0; i < table->column_count; i++)
        sum += fmax(table->places[i].least, fmin(table->places[i].wished, most));
    return sum;
}

/* Choose the widths: as wished, or the widest columns equally wide so that all fit. */
static void choose_widths(struct table *table)
{
    double room = table->paper->right - table->paper->left - COLUMN_GAP * (double)(table->column_count - 1);
    double low = 0, high = room;
    /* Rather than to wrap texts, heads of numbers are wrapped. */
    bool narrow = width_at(table, HUGE_VAL) > room;
    for (size_t i = 0; i < table->column_count; i++) {
        if (narrow && table->columns[i].right)
            table->places[i].wished = table->places[i].least;
    }
    for (int step = 0; step < 40 && width_at(table, high) > room; step++) {
        double middle = (low + high) / 2;
        if (width_at(table, middle) > room)
            high = middle;
        else
            low = middle;
    }
    if (width_at(table, high) > room)
        high = low;
    double least = width_at(table, high);
    double shrink = least > room ? room / least : 1; /* too many columns: all of them narrower */
    double x = table->paper->left;
    for (size_t i = 0; i < table->column_count; i++) {
        struct column *place = &table->places[i];
        place->width = fmax(place->least, fmin(place->wished, high)) * shrink;
        place->x = x;
        x += place->width + COLUMN_GAP;
    }
}

/* Break a text for `column` into `lines`; return their number. */
static size_t break_cell(struct table *table, size_t column, enum text_style style, struct figure_text text,
                         const char **lines, size_t max_lines)
{
    double width = table->places[column].width + 0.01;
    return paper_break(table->paper, style, paper_text(table->paper, text), width, lines, max_lines);
}

/* Add the lines of a cell at the height `y`; return the box that they fill. */
static struct layout_rect add_cell(struct table *table, size_t column, enum text_style style, struct figure_color color,
                                   const char **lines, size_t count, double y)
{
    struct paper *paper = table->paper;
    const struct column *place = &table->places[column];
    bool right = table->columns[column].right;
    struct layout_rect all = {right ? place->x + place->width : place->x, y, 0, (double)count * table->line};
    for (size_t i = 0; i < count; i++) {
        struct layout_rect box =
            layout_add_text(paper->layout, paper->page, style, color, lines[i], all.x + (right ? all.width : 0),
                            y + (double)i * table->line, right ? LAYOUT_RIGHT : LAYOUT_LEFT);
        if (right && box.width > all.width)
            all.x -= box.width - all.width;
        all.width = fmax(all.width, box.width);
    }
    return all;
}

static void add_rule(struct table *table, double y, double stroke, struct figure_color color)
{
    const struct column *last = &table->places[table->column_count - 1];
    layout_add_line(table->paper->page, LAYOUT_LINE, (struct layout_point){table->paper->left - SIDE, y},
                    (struct layout_point){last->x + last->width + SIDE, y}, stroke, color);
}

/* Return the height of the head. */
static double head_height(struct table *table)
{
    const char *lines[HEAD_LINES];
    size_t most = 0;
    for (size_t i = 0; i < table->column_count; i++)
        most = MAX(most, break_cell(table, i, TEXT_HEADING, table->columns[i].head, lines, HEAD_LINES));
    return table->has_head ? (double)most * table->line + 2 * ROW_PADDING + 2 : 0;
}

/* Add the head; texts of fewer lines stand at its lower edge. */
static void add_head(struct table *table)
{
    struct paper *paper = table->paper;
    double height = head_height(table);
    for (size_t i = 0; i < table->column_count && table->has_head; i++) {
        const char *lines[HEAD_LINES];
        size_t count = break_cell(table, i, TEXT_HEADING, table->columns[i].head, lines, HEAD_LINES);
        double y = paper->y + height - ROW_PADDING - 1 - (double)count * table->line;
        add_cell(table, i, TEXT_HEADING, INK_TEXT, lines, count, y);
    }
    paper->y += height;
    add_rule(table, paper->y - 1, 1, INK_QUIET);
}

/* Return the height of a row. */
static double row_height(struct table *table, size_t row)
{
    const char *lines[PAPER_CELL_LINES];
    size_t most = 1;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct paper_cell *cell = cell_at(table, row, i);
        most = MAX(most, break_cell(table, i, cell_style(cell), cell->text, lines, PAPER_CELL_LINES));
    }
    return (double)most * table->line + 2 * ROW_PADDING;
}

/* Add a row of the height `height`. */
static void add_row(struct table *table, size_t row, double height)
{
    struct paper *paper = table->paper;
    const struct column *last = &table->places[table->column_count - 1];
    if (row % 2 == 1)
        layout_add_rect(
            paper->page,
            (struct layout_rect){paper->left - SIDE, paper->y, last->x + last->width - paper->left + 2 * SIDE, height},
            INK_STRIPE);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct paper_cell *cell = cell_at(table, row, i);
        const char *lines[PAPER_CELL_LINES];
        size_t count = break_cell(table, i, cell_style(cell), cell->text, lines, PAPER_CELL_LINES);
        struct layout_rect box = add_cell(table, i, cell_style(cell), cell->link ? PAPER_INK_LINK : INK_TEXT, lines,
                                          count, paper->y + ROW_PADDING);
        if (cell->link && count > 0)
            layout_add_hit(paper->layout, paper->page, box, NULL, PAPER_NO_LINK, paper_name(paper, cell->link));
        if (cell->anchor)
            layout_add_anchor(paper->layout, paper->page, paper_name(paper, cell->anchor), 0, fmax(0, paper->y - 4));
    }
    paper->y += height;
}

/* Add all rows, with the head on each page. */
static void add_rows(struct table *table)
{
    struct paper *paper = table->paper;
    add_head(table);
    for (size_t row = 0; row < table->row_count; row++) {
        double height = row_height(table, row);
        if (paper->y + height > paper->bottom) {
            add_rule(table, paper->y, 0.75, INK_LIFE);
            paper_turn(paper);
            if (paper->too_large)
                return;
            add_head(table);
        }
        add_row(table, row, height);
    }
    add_rule(table, paper->y, 0.75, INK_LIFE);
    paper->y += 16;
}

/* Return the height that must be free for the table to begin. */
static double first_height(struct table *table)
{
    double height = head_height(table);
    size_t rows = MIN(table->row_count, table->row_count <= KEPT_ROWS ? KEPT_ROWS : FIRST_ROWS);
    for (size_t row = 0; row < rows; row++)
        height += row_height(table, row);
    return height;
}

void paper_table(struct paper *paper, struct figure_text caption, const struct paper_column *columns,
                 size_t column_count, const struct paper_cell *cells, size_t row_count)
{
    assert(column_count > 0);
    const char *lines[3];
    struct table table = {
        .paper = paper,
        .columns = columns,
        .places = g_new0(struct column, column_count),
        .column_count = column_count,
        .cells = cells,
        .row_count = row_count,
        .line = text_height(paper->layout->meter, TEXT_BODY) * 1.12,
    };
    for (size_t i = 0; i < column_count; i++) {
        table.has_head = table.has_head || columns[i].head.len_bytes > 0;
        measure_column(&table, i);
    }
    choose_widths(&table);
    size_t count = paper_break(paper, TEXT_HEADING, paper_text(paper, caption), paper->right - paper->left, lines, 3);
    double caption_height = count > 0 ? (double)count * table.line + 6 : 0;
    if (paper_make_room(paper, caption_height + first_height(&table))) {
        for (size_t i = 0; i < count; i++)
            layout_add_text(paper->layout, paper->page, TEXT_HEADING, INK_QUIET, lines[i], paper->left,
                            paper->y + (double)i * table.line, LAYOUT_LEFT);
        paper->y += caption_height;
        add_rows(&table);
    }
    g_free(table.places);
}
