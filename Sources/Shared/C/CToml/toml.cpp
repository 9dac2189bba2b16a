#include "CToml.h"

// toml++ 3.3 asserts what some broken documents violate (found by fuzzing; without assertions it would go on into
// undefined behaviour). Here a failed assertion is a syntax error like any other, in release builds too.
struct failed_assertion {};
#undef NDEBUG
#define TOML_ASSERT(expression) (static_cast<bool>(expression) ? static_cast<void>(0) : throw failed_assertion{})

// Header-only, so that no further library is linked; depth is bounded because toml++ parses and frees recursively.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 16

// toml++ 3.3 also reaches what it calls unreachable, on a letter beyond ASCII outside a string: when it asks whether that
// is white space, where the answer must be "no". So its tables of characters are read with another macro.
#if __has_include(<toml++/impl/unicode.hpp>)
#include <toml++/impl/preprocessor.hpp>
#include <toml++/impl/forward_declarations.hpp>
#pragma push_macro("TOML_UNREACHABLE")
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.hpp>
#else
#include <toml++/impl/preprocessor.h>
#include <toml++/impl/forward_declarations.h>
#pragma push_macro("TOML_UNREACHABLE")
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>
#endif
#pragma pop_macro("TOML_UNREACHABLE")
#include <toml++/toml.h>

#include <new>
#include <string>
#include <string_view>
#include <vector>

struct ctoml_document {
    toml::table root;
    std::vector<ctoml_node> nodes;
    std::string error;
    uint32_t error_line = 0;
    uint32_t error_column = 0;

    void fail(std::string_view what, toml::source_position at) {
        nodes.clear();
        error = what;
        error_line = at.line;
        error_column = at.column;
    }
};

namespace {

/// Tables deeper than this are nobody's configuration.
constexpr int deepest = 24;

/// Dotted keys nest without limit in toml++, and a dotted key cannot leave its line: so dots per line are bounded, strings
/// and comments included, which needs no parser.
constexpr int most_dots = 256;

bool has_a_line_full_of_dots(std::string_view text, toml::source_position &at) {
    int dots = 0;
    uint32_t line = 1;
    for (char byte : text) {
        if (byte == '\n') {
            dots = 0;
            line += 1;
        } else if (byte == '.' && ++dots > most_dots) {
            at = {line, 1};
            return true;
        }
    }
    return false;
}

/// Returns false, with the place of the culprit in `at`, when `node` is nested too deeply.
bool collect(
    std::vector<ctoml_node> &nodes, const toml::node &node, const toml::key *key, int depth,
    toml::source_position &at) {
    const auto place = node.source().begin;
    if (depth > deepest) {
        at = place;
        return false;
    }
    ctoml_node entry{};
    entry.line = place.line;
    entry.column = place.column;
    entry.key_line = place.line;
    if (key) {
        entry.key = key->str().data();
        entry.key_length = key->str().size();
        entry.key_line = key->source().begin.line;
    }
    const size_t index = nodes.size();
    if (const auto *table = node.as_table()) {
        entry.kind = CTOML_TABLE;
        nodes.push_back(entry);
        for (auto &&[name, member] : *table)
            if (!collect(nodes, member, &name, depth + 1, at)) return false;
    } else if (const auto *array = node.as_array()) {
        entry.kind = CTOML_ARRAY;
        nodes.push_back(entry);
        for (auto &&element : *array)
            if (!collect(nodes, element, nullptr, depth + 1, at)) return false;
    } else {
        if (const auto *text = node.as_string()) {
            entry.kind = CTOML_STRING;
            entry.text = text->get().data();
            entry.text_length = text->get().size();
        } else if (const auto *integer = node.as_integer()) {
            entry.kind = CTOML_INTEGER;
            entry.integer = integer->get();
        } else if (const auto *number = node.as_floating_point()) {
            entry.kind = CTOML_FLOAT;
            entry.number = number->get();
        } else if (const auto *truth = node.as_boolean()) {
            entry.kind = CTOML_BOOLEAN;
            entry.integer = truth->get() ? 1 : 0;
        } else {
            entry.kind = CTOML_DATE;
        }
        nodes.push_back(entry);
    }
    nodes[index].descendants = nodes.size() - index - 1;
    return true;
}

/// An assertion has no place, but the parser works from the top: the first line with which it fails is the culprit.
toml::source_position place_of_failed_assertion(std::string_view text) {
    std::vector<size_t> ends;
    for (size_t at = 0; at < text.size(); ++at)
        if (text[at] == '\n') ends.push_back(at);
    if (ends.empty() || ends.back() + 1 < text.size()) ends.push_back(text.size());
    size_t low = 0;
    size_t high = ends.size() - 1;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        bool fails = false;
        try {
            static_cast<void>(toml::parse(text.substr(0, ends[middle])));
        } catch (const failed_assertion &) {
            fails = true;
        } catch (const toml::parse_error &) {
            // Cut in the middle of a longer value: it is not this line.
        }
        if (fails) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return {static_cast<toml::source_index>(low + 1), 0};
}

void read(ctoml_document &document, std::string_view text) {
    toml::source_position at{};
    if (has_a_line_full_of_dots(text, at)) return document.fail("the line holds more than 256 dots", at);
    try {
        document.root = toml::parse(text);
    } catch (const toml::parse_error &error) {
        return document.fail(error.description(), error.source().begin);
    } catch (const failed_assertion &) {
        return document.fail("the parser cannot make sense of this line", place_of_failed_assertion(text));
    }
    if (!collect(document.nodes, document.root, nullptr, 0, at))
        document.fail("tables are nested more than 24 deep", at);
}

}  // namespace

extern "C" {

ctoml_document *ctoml_parse(const char *bytes, size_t length) {
    ctoml_document *document = new (std::nothrow) ctoml_document;
    if (!document) return nullptr;
    try {  // the standard library under toml++ can still throw std::bad_alloc
        read(*document, std::string_view(length ? bytes : "", length));
        return document;
    } catch (...) {
        delete document;
        return nullptr;
    }
}

void ctoml_free(ctoml_document *document) { delete document; }

const ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count) {
    *count = document->nodes.size();
    return document->nodes.data();
}

const char *ctoml_error(const ctoml_document *document, uint32_t *line, uint32_t *column) {
    if (document->error.empty()) return nullptr;
    *line = document->error_line;
    *column = document->error_column;
    return document->error.c_str();
}
}
