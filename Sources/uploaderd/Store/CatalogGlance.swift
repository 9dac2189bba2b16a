import CSQLite
import LinuxSystem
package import Shared

/// A look into the catalog that changes nothing and locks nobody out, beside a running daemon or without one: `--dry-run`.
package enum CatalogGlance {
    /// Source bytes that are in durable segments, by root and relative path joined with a NUL.
    ///
    /// - Returns: `[:]` when there is no catalog, or none that can be read: then nothing is known to be taken.
    package static func taken(in directory: StateDirectory) -> [String: Int64] {
        let sql =
            "SELECT root, path, coalesce(partial_end, offset) FROM streams WHERE root IS NOT NULL AND path IS NOT NULL"
        var taken: [String: Int64] = [:]
        eachRow(of: sql, in: directory) { row in
            guard let root = sqlite3_column_text(row, 0), let path = sqlite3_column_text(row, 1) else { return }
            taken[key(root: String(cString: root), relativePath: String(cString: path))] = sqlite3_column_int64(row, 2)
        }
        return taken
    }

    /// The stores that destinations led to when they were open last, by the destination's name.
    package static func stores(in directory: StateDirectory) -> [String: StoreID] {
        let prefix = Store.destinationPrefix
        // One that cannot be read tells no more than none: a look is not where that is said.
        var stores = ((try? KnownStores.read(in: directory)) ?? KnownStores()).destinations
        eachRow(of: "SELECT key, value FROM meta", in: directory) { row in
            guard let key = sqlite3_column_text(row, 0), let value = sqlite3_column_text(row, 1) else { return }
            let name = String(cString: key)
            if name.hasPrefix(prefix) { stores[String(name.dropFirst(prefix.count))] = StoreID(String(cString: value)) }
        }
        return stores
    }

    /// Sessions that are not open, as far as the catalog and the lists tell.
    package static func standings(in directory: StateDirectory) -> [SessionID: SessionStanding] {
        var standings: [SessionID: SessionStanding] = [:]
        eachRow(of: "SELECT sid, standing FROM standings", in: directory) { row in
            guard let sid = sqlite3_column_text(row, 0), let standing = sqlite3_column_text(row, 1) else { return }
            if let session = SessionID(String(cString: sid)) {
                standings[session] = SessionStanding(rawValue: String(cString: standing))
            }
        }
        for list in [StandingList.privates(in: directory), .forgotten(in: directory)] {
            // One that cannot be relied on is for the daemon to say, which then delivers nothing.
            for entry in (try? list.read(isExpected: false)) ?? [] { standings[entry.session] = entry.standing }
        }
        return standings.filter { $0.value != .open }
    }

    /// Without a write-ahead log nobody writes. Then nothing is to be made beside the catalog, which a reader that closes it
    /// could not remove: sqlite.org/uri.html, "immutable".
    private static func address(of catalog: String) -> String {
        let isAtRest = (try? Files.status("\(catalog)-wal")) == .some(nil)
        var path = ""
        for scalar in catalog.unicodeScalars {
            if "?#%".unicodeScalars.contains(scalar) {
                path += "%" + String(scalar.value, radix: 16)
            } else {
                path.unicodeScalars.append(scalar)
            }
        }
        return "file:\(path)\(isAtRest ? "?immutable=1" : "")"
    }

    private static func eachRow(of sql: String, in directory: StateDirectory, _ body: (OpaquePointer?) -> Void) {
        var handle: OpaquePointer?
        defer { sqlite3_close_v2(handle) }
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI
        guard sqlite3_open_v2(address(of: directory.catalog), &handle, flags, nil) == SQLITE_OK else { return }
        sqlite3_busy_timeout(handle, 1_000)
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { return }
        while sqlite3_step(statement) == SQLITE_ROW { body(statement) }
    }

    package static func key(root: String, relativePath: String) -> String { "\(root)\0\(relativePath)" }
}
