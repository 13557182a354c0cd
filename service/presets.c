#include "service/presets.h"

#include <fcntl.h>
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

enum problem preset_load(struct service *s, struct arena *a, struct str name, struct json *out, struct faults *f) {
    struct str text;
    struct str path = str_printf(a, "%s/" STR_FMT "/config.json", s->settings.presets_dir, STR_ARG(name));
    if (!code_is_valid(name) || !read_file(a, str_z(a, path), &text)) { /* a code has no slash: it stays in the folder */
        return fault_add(f, P_VALIDATION, STR("/preset"), "there is no preset \"" STR_FMT "\"", STR_ARG(name));
    }
    return json_parse(a, text, out, f);
}
