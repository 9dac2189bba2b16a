import CSQLite
import Shared

/// A look into the catalog that changes nothing and locks nobody out, beside a running daemon or without one: `--dry-run`.
package enum CatalogGlance {
    /// Source bytes that are in durable segments, by root and relative path joined with a NUL.
    ///
    /// - Returns: `[:]` when there is no catalog, or none that can be read: then nothing is known to be taken.
    package static func taken(in directory: StateDirectory) -> [String: Int64] {
        var handle: OpaquePointer?
        defer { sqlite3_close_v2(handle) }
        guard sqlite3_open_v2(directory.catalog, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK
        else { return [:] }
        sqlite3_busy_timeout(handle, 1_000)
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        let sql =
            "SELECT root, path, coalesce(partial_end, offset) FROM streams WHERE root IS NOT NULL AND path IS NOT NULL"
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { return [:] }
        var taken: [String: Int64] = [:]
        while sqlite3_step(statement) == SQLITE_ROW {
            guard let root = sqlite3_column_text(statement, 0), let path = sqlite3_column_text(statement, 1) else {
                continue
            }
            taken[key(root: String(cString: root), relativePath: String(cString: path))] = sqlite3_column_int64(
                statement, 2)
        }
        return taken
    }

    package static func key(root: String, relativePath: String) -> String { "\(root)\0\(relativePath)" }
}
