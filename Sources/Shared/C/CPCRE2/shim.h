#pragma once
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Pointers to code units are unsigned, and Swift's are not those of text: pcre2api(3). */
static inline pcre2_code_8 *cpcre2_compile(const void *pattern, size_t length, uint32_t options, int *error,
                                           size_t *offset) {
    return pcre2_compile_8((PCRE2_SPTR8)pattern, length, options, error, offset, NULL);
}

static inline int cpcre2_match(const pcre2_code_8 *code, const void *subject, size_t length, size_t start,
                               uint32_t options, pcre2_match_data_8 *data, pcre2_match_context_8 *context) {
    return pcre2_match_8(code, (PCRE2_SPTR8)subject, length, start, options, data, context);
}

static inline int cpcre2_jit_match(const pcre2_code_8 *code, const void *subject, size_t length, size_t start,
                                   pcre2_match_data_8 *data, pcre2_match_context_8 *context) {
    return pcre2_jit_match_8(code, (PCRE2_SPTR8)subject, length, start, 0, data, context);
}

static inline int cpcre2_message(int error, void *buffer, size_t size) {
    return pcre2_get_error_message_8(error, (PCRE2_UCHAR8 *)buffer, size);
}
