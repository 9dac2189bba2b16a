#pragma once
#include <sqlite3.h>

/* SQLITE_TRANSIENT is a cast that Swift does not import: sqlite.org/c3ref/c_static.html */
static inline int csqlite_bind_text(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    /* An empty text is not NULL; SQLite tells them apart by the pointer. */
    return sqlite3_bind_text(statement, index, bytes ? (const char *)bytes : "", count, SQLITE_TRANSIENT);
}

/* A blob of no bytes would otherwise be bound as NULL. */
static inline int csqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return count == 0 ? sqlite3_bind_zeroblob(statement, index, 0)
                      : sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}
