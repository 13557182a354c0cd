#include "service/presets.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/inside.h"

static bool read_file(struct arena *a, const char *path, struct str *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char *text = arena_alloc(a, CONFIG_BYTES_MAX + 1);
    size_t n = 0;
    ssize_t got;
    while (n <= CONFIG_BYTES_MAX && (got = read(fd, text + n, CONFIG_BYTES_MAX + 1 - n)) > 0) n += (size_t)got;
    close(fd);
    *out = (struct str){text, n};
    return n > 0 && n <= CONFIG_BYTES_MAX;
}

static int by_name(const void *x, const void *y) { return str_cmp(*(const struct str *)x, *(const struct str *)y); }

/* The folders that have a document. */
static struct str preset_names(struct service *s, struct arena *a) {
    LIST(struct str) names = {0};
    struct buf b = buf_new(a, SIZE_MAX);
    DIR *dir = opendir(s->settings.presets_dir);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        char *path = str_z(a, str_printf(a, "%s/%s/config.json", s->settings.presets_dir, e->d_name));
        if (code_is_valid(str_of(e->d_name)) && access(path, R_OK) == 0) *LIST_PUSH(a, &names) = str_copy(a, str_of(e->d_name));
    }
    if (dir != NULL) closedir(dir);
    if (names.n > 0) qsort(names.items, names.n, sizeof *names.items, by_name);
    for (size_t i = 0; i < names.n; i++) buf_f(&b, "%s" STR_FMT, i > 0 ? ", " : "", STR_ARG(names.items[i]));
    return names.n > 0 ? buf_str(&b) : STR("none");
}

enum problem preset_load(struct service *s, struct arena *a, struct str name, struct json *out, struct faults *f) {
    struct str text;
    struct str path = str_printf(a, "%s/" STR_FMT "/config.json", s->settings.presets_dir, STR_ARG(name));
    if (!code_is_valid(name) || !read_file(a, str_z(a, path), &text)) { /* a code has no slash: it stays in the folder */
        return fault_add(f, P_VALIDATION, STR("/preset"), "there is no preset \"" STR_FMT "\"; there are: " STR_FMT, STR_ARG(name),
                         STR_ARG(preset_names(s, a)));
    }
    return json_parse(a, text, out, f);
}
