/// A C face over toml++: a buffer becomes a flat list of nodes, in the order of a walk that visits a table before its
/// members. No C++ exception crosses it; what fails is an error with its place.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ctoml_kind {
    CTOML_TABLE = 0,
    CTOML_ARRAY = 1,
    CTOML_STRING = 2,
    CTOML_INTEGER = 3,
    CTOML_FLOAT = 4,
    CTOML_BOOLEAN = 5,
    /// A date, a time, or both: none of our keys takes one.
    CTOML_DATE = 6
};

/// One value. Texts are UTF-8, not ended by a NUL, may hold NULs, and live as long as the document.
struct ctoml_node {
    int32_t kind;
    /// 1-based; columns count code points. 0: unknown.
    uint32_t line;
    uint32_t column;
    uint32_t key_line;
    /// How many of the nodes that follow lie inside this one.
    size_t descendants;
    /// NULL for the root and for an array's elements.
    const char *key;
    size_t key_length;
    /// CTOML_STRING only.
    const char *text;
    size_t text_length;
    /// CTOML_INTEGER; CTOML_BOOLEAN as 0 or 1.
    int64_t integer;
    /// CTOML_FLOAT only.
    double number;
};

struct ctoml_document;

/// Parses a whole document; the bytes are not needed afterwards.
/// Returns NULL only when memory ran out. A document with an error has no nodes. Free it with ctoml_free.
struct ctoml_document *ctoml_parse(const char *bytes, size_t length);

void ctoml_free(struct ctoml_document *document);

/// The nodes, the root table first; their number in *count (0 after an error).
const struct ctoml_node *ctoml_nodes(const struct ctoml_document *document, size_t *count);

/// What is wrong, or NULL when the document is valid; a NUL-terminated sentence that lives as long as the document.
const char *ctoml_error(const struct ctoml_document *document, uint32_t *line, uint32_t *column);

#ifdef __cplusplus
}
#endif
