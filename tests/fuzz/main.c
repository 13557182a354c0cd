/* tests/fuzz/main.c: the main of a fuzz target where no fuzzing engine is linked: runs the target over files and folders, so that
 * every build can run the corpora. Prints how many inputs ran, fails where there was none; a target that finds something aborts. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t ran;

static void run_file(const char *path, size_t n) {
    uint8_t *data = malloc(n > 0 ? n : 1); /* exactly as long as the input, so that a sanitizer sees a read behind it */
    FILE *f = fopen(path, "rb");
    MUST(data != NULL && f != NULL && fread(data, 1, n, f) == n);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    ran++;
}

static void run(const char *path) {
    struct stat about;
    if (stat(path, &about) != 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    if (!S_ISDIR(about.st_mode)) {
        run_file(path, (size_t)about.st_size);
        return;
    }
    DIR *dir = opendir(path);
    MUST(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char below[PATH_MAX];
        if (entry->d_name[0] == '.') continue;
        MUST(snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below);
        run(below);
    }
    closedir(dir);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) run(argv[i]);
    printf("%zu inputs ran\n", ran);
    return ran > 0 ? 0 : 1; /* a corpus that lost its files shows nothing */
}
