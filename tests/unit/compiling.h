/* tests/unit/compiling.h: configurations as texts and files, compiled as a service does it. What is not expected fails the test. */
#ifndef TESTS_UNIT_COMPILING_H
#define TESTS_UNIT_COMPILING_H

#include "engine/config.h"

struct compiled {
    enum problem problem; /* of the first fault */
    struct definition *definitions;
    size_t n;
    struct code_number *codes; /* each kind's have the numbers 1, 2, 3 … by code */
    size_t n_codes;
    struct program *program; /* NULL: there were faults */
    struct faults faults;
};

const struct json *json_of_text(struct arena *a, struct str text);
const struct json *json_of_file(struct arena *a, const char *path);
const struct json *document_of(struct arena *a, const char *definitions); /* the items of "definitions" */
/* To the end also where a step has faults, so that all are found. Of `in` only the former zone counts; its number is 9. */
struct compiled *document_compile(struct arena *a, const struct json *document, struct compile_in in);
struct compiled *document_good(struct arena *a, const struct json *document); /* without a fault */
const struct program *program_of_file(struct arena *a, const char *path);
const struct program *program_of_text(struct arena *a, const char *definitions);

#endif
