/* cli/text.h: text for a terminal: how wide it is, what must not get there, and colours. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "base/json.h"

/* Columns that a text takes: combining marks none, wide East Asian characters two. */
size_t text_width(struct str s);
/* The text without what would steer a terminal: control characters and what is no UTF-8 become U+FFFD. */
struct str text_plain(struct arena *a, struct str s);
/* At most `width` columns of it (1 or more), the last of them "…" where something was cut off. */
struct str text_cut(struct arena *a, struct str s, size_t width);
/* "2026-11-21T10:00:00.000Z" as people read it: "2026-11-21 10:00:00"; what is no such time stays as it is. */
struct str text_time(struct arena *a, struct str rfc3339);

/* Members of an object; "" where there is no text or no number. */
struct str text_at(const struct json *object, const char *key);
struct str number_at(struct arena *a, const struct json *object, const char *key);

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_BOLD, COLOUR_DIM };
/* Whether standard output takes colours: a terminal that is not "dumb", and NO_COLOR is not set. */
bool colours_wanted(void);
/* Of the terminal that standard output is; 0 where it is none: nothing is cut then. */
size_t terminal_columns(void);
size_t terminal_rows(void);
/* Adds the text in that colour; as it is where colours are not wanted. */
void colour_add(struct buf *b, bool colours, enum colour colour, struct str text);

/* JSON without white space, laid out for people: a member or an item on each line. */
void put_indented(struct buf *b, struct str json);

#endif
