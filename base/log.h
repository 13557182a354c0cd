/* base/log.h: structured log lines: one line, key=value, values escaped; no secret and no client's path is ever in one.
 *
 * Lines go to standard error, or to a file (setting log_file) that is opened again on SIGHUP. A full disk loses lines, never
 * requests: a failed write is counted and otherwise ignored. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_open(const char *path, enum log_level least, const char *program); /* path NULL or "": standard error */
void log_reopen(void);                                                      /* keeps the open file where the new one cannot be opened */
uint64_t log_lost(void); /* lines that could not be written since the process began: for the metrics */
/* log_line(LOG_INFO, "request", "status=%d ms=%.1f", …): time, level, program, pid and the name are put in front.
 * Values that may hold spaces or quotes are formatted with log_quote. */
void log_line(enum log_level level, const char *event, const char *format, ...) PRINTF(3, 4);
/* Put behind every further line, e.g. "request_id=…"; "": nothing. Copied, cut at 1 KiB. Escaped like the line. */
void log_context(struct str text);
/* Lines between the two go out together, in writes of at most 4 KiB: for lines that come one after the other, since what is held is lost
 * with the process. */
void log_hold(void);
void log_release(void);
const char *log_quote(struct arena *a, struct str value); /* in quotes, escaped; "" as "" */

#endif
