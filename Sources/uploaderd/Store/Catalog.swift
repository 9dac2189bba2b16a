import CSQLite
import LinuxSystem
import Shared

/// The connection to `catalog.db`, and its prepared statements.
///
/// Only the `Store` actor has it, so it needs no lock (SQLITE_OPEN_NOMUTEX) and each method of the actor is alone with
/// it. WAL with synchronous=FULL: a COMMIT that returned survives a power cut. Blocks; runs on lane "store".
final class Catalog {
    let path: String
    private let handle: OpaquePointer
    private var isThrifty = false
    private var statements: [String: OpaquePointer] = [:]
    /// Told once, when what is in the database turns out to be impossible while it is used.
    var foundDamaged: ((StoreError) -> Void)?
    /// Looking at every index, too, takes so long that a start is to wait for it up to this size only, in bytes.
    private static let mostCheckedWhole: Int64 = 64 << 20

    /// Opens, or makes, the database. The schema is `migrate`'s business.
    ///
    /// - Throws: `corrupt` when the file is no sound database; `newerCatalog` before anything is changed in it.
    init(_ path: String) throws(StoreError) {
        self.path = path
        // SQLite would make it 0644; -wal and -shm take the permissions of the database.
        if try reporting("could not look at \(path)", { () throws(SystemError) in try Files.status(path) }) == nil {
            try reporting("could not make \(path)") { () throws(SystemError) in
                _ = try Descriptor.open(path, [.readWrite, .create, .exclusive, .noFollow], mode: 0o600)
                try Files.syncDirectory(Files.parent(of: path))
            }
        }
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let result = sqlite3_open_v2(path, &handle, flags, nil)
        guard result == SQLITE_OK, let handle else {
            let error = Catalog.error(result, handle, "could not open \(path)")
            sqlite3_close_v2(handle)
            throw error
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, 5_000)
        sqlite3_extended_result_codes(handle, 1)
        try prepare()
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(handle)
    }

    private func prepare() throws(StoreError) {
        let version = try number("PRAGMA user_version")
        if version > CatalogSchema.version {
            throw StoreError(
                .newerCatalog,
                "the catalog \(path) is of version \(version); this program knows up to \(CatalogSchema.version)",
                hint: "install the newer uploaderd again, or point --state-dir to another directory")
        }
        let application = try number("PRAGMA application_id")
        if application != 0, application != CatalogSchema.applicationID {
            throw StoreError(.corrupt, "\(path) is another program's database")
        }
        let size = try number("PRAGMA page_count") * number("PRAGMA page_size")
        // The quick one does not compare indexes with their tables.
        let check = size <= Self.mostCheckedWhole ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)"
        let verdict = try rows(check) { (row) throws(StoreError) in row.text(0) }
        guard verdict == ["ok"] else {
            throw StoreError(.corrupt, "the catalog \(path) is damaged: \(verdict.first ?? "no verdict")")
        }
        _ = try rows("PRAGMA journal_mode = WAL") { (row) throws(StoreError) in row.text(0) }
        for pragma in [
            "synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY", "cache_size = -4096",
            "secure_delete = ON",
        ] {
            try run("PRAGMA \(pragma)")
        }
        // A read-only database says so only when it is written.
        try CatalogSchema.migrate(self)
        try requireAgreement()
    }

    /// Performs one statement and drops its rows.
    func run(_ sql: String, _ values: (any SQLBindable)?...) throws(StoreError) {
        try perform(sql, values) { (_) throws(StoreError) in false }
    }

    /// All rows of a query, read by `read`, which must not use the same statement again.
    func rows<Value>(
        _ sql: String, _ values: (any SQLBindable)?..., read: (Row) throws(StoreError) -> Value
    ) throws(StoreError) -> [Value] {
        var all: [Value] = []
        try perform(sql, values) { (row) throws(StoreError) in
            all.append(try read(row))
            return true
        }
        return all
    }

    /// The first row of a query; `nil` when it has none.
    func row<Value>(
        _ sql: String, _ values: (any SQLBindable)?..., read: (Row) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        var first: Value?
        try perform(sql, values) { (row) throws(StoreError) in
            first = try read(row)
            return false
        }
        return first
    }

    /// The first column of the first row; 0 when there is no row or it is NULL.
    func number(_ sql: String, _ values: (any SQLBindable)?...) throws(StoreError) -> Int64 {
        var found: Int64 = 0
        try perform(sql, values) { (row) throws(StoreError) in
            found = row.int64(0)
            return false
        }
        return found
    }

    /// How SQLite finds the rows of each statement that was used so far: the lines of EXPLAIN QUERY PLAN.
    func plans() throws(StoreError) -> [String: [String]] {
        var plans: [String: [String]] = [:]
        for sql in statements.keys where !sql.hasPrefix("PRAGMA") && !sql.hasPrefix("EXPLAIN") {
            plans[sql] = try rows("EXPLAIN QUERY PLAN \(sql)") { (row) throws(StoreError) in row.text(3) }
        }
        return plans
    }

    /// How many rows the last INSERT, UPDATE or DELETE touched.
    var changes: Int { Int(sqlite3_changes(handle)) }
    var lastRow: Int64 { sqlite3_last_insert_rowid(handle) }
    /// SQLite itself ends a transaction on a full disk and on some I/O errors: sqlite.org/lang_transaction.html, 3.1.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// All of `body`, durable when this returns, or nothing of it.
    ///
    /// - Parameter isUndone: whether, by what it gave, nothing of it is to be.
    func transaction<Value>(
        _ body: () throws(StoreError) -> Value, undoneIf isUndone: (Value) -> Bool = { _ in false }
    ) throws(StoreError) -> Value {
        try run("BEGIN IMMEDIATE")
        do throws(StoreError) {
            let value = try body()
            if isUndone(value) { rollBack("ROLLBACK") } else { try run("COMMIT") }
            return value
        } catch {
            rollBack("ROLLBACK")
            if error.code == .noSpace { shrinkLog() }
            throw error
        }
    }

    /// Keeps the write-ahead log short, at the price of an fsync every few commits: for a disk that is nearly full. A log
    /// that filled it could not be emptied either, because the database has to grow for that.
    func beThrifty(_ thrifty: Bool) throws(StoreError) {
        guard thrifty != isThrifty else { return }
        isThrifty = thrifty
        try run("PRAGMA wal_autocheckpoint = \(thrifty ? 32 : 1_000)")
        if thrifty { shrinkLog() }
    }

    /// What is in the write-ahead log goes into the database, and its room is free for the next attempt.
    func shrinkLog() {
        do throws(StoreError) {
            try checkpoint()
        } catch {
            // The first error is the one that matters; this one only means that no room was won.
        }
    }

    /// Several queries that see the same state, for the price of one lock instead of one each.
    func reading<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        guard !isInTransaction else { return try body() }
        try run("BEGIN")
        do throws(StoreError) {
            let value = try body()
            try run("COMMIT")
            return value
        } catch {
            rollBack("ROLLBACK")
            throw error
        }
    }

    /// A part of a transaction that can fail alone.
    ///
    /// - Throws: what `body` threw; the transaction goes on if `isInTransaction` still holds.
    func part<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try run("SAVEPOINT part")
        do throws(StoreError) {
            let value = try body()
            try run("RELEASE part")
            return value
        } catch {
            rollBack("ROLLBACK TO part")
            rollBack("RELEASE part")
            throw error
        }
    }

    private func rollBack(_ sql: String) {
        guard isInTransaction else { return }
        do throws(StoreError) {
            try run(sql)
        } catch {
            // The first error is the one that matters; a connection that cannot roll back refuses the next BEGIN.
        }
    }

    /// Moves the write-ahead log into the database, so that the file alone is whole.
    func checkpoint() throws(StoreError) {
        _ = try rows("PRAGMA wal_checkpoint(TRUNCATE)") { (row) throws(StoreError) in row.int(0) }
    }

    private func perform(
        _ sql: String, _ values: [(any SQLBindable)?], _ body: (Row) throws(StoreError) -> Bool
    ) throws(StoreError) {
        do throws(StoreError) {
            try step(sql, values, body)
        } catch {
            if error.code == .corrupt, let told = foundDamaged {
                foundDamaged = nil
                told(error)
            }
            throw error
        }
    }

    private func step(
        _ sql: String, _ values: [(any SQLBindable)?], _ body: (Row) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let statement = try prepared(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            guard let value else { continue }  // unbound is NULL
            let result = value.bind(to: statement, at: Int32(index + 1))
            guard result == SQLITE_OK else { throw failure(result) }
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                if try !body(Row(statement)) { return }
            case SQLITE_DONE: return
            case let result: throw failure(result)
            }
        }
    }

    private func prepared(_ sql: String) throws(StoreError) -> OpaquePointer {
        if let statement = statements[sql] {
            precondition(sqlite3_stmt_busy(statement) == 0, "a statement is used while it runs: \(sql)")
            return statement
        }
        var statement: OpaquePointer?
        let result = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard result == SQLITE_OK, let statement else { throw failure(result) }
        statements[sql] = statement
        return statement
    }

    private func failure(_ result: Int32) -> StoreError {
        Catalog.error(result, handle, "could not use the catalog \(path)")
    }

    private static func error(_ result: Int32, _ handle: OpaquePointer?, _ message: String) -> StoreError {
        let detail = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(result)
        let system = handle.map { sqlite3_system_errno($0) } ?? 0
        let primary = result & 0xFF
        let isIO = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN
        let full = primary == SQLITE_FULL || (isIO && system != 0 && SystemError("write", code: system).isNoSpace)
        var text = "\(message): \(detail.map { String(cString: $0) } ?? "error") (\(result))"
        if isIO, system != 0 { text += ": \(SystemError("", code: system).reason)" }
        if full { return StoreError(.noSpace, text, hint: "free space on that file system") }
        switch primary {
        case SQLITE_READONLY:
            return StoreError(.readOnly, text, hint: "make the state directory writable for this user")
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_NOMEM: return StoreError(.io, text)
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return StoreError(.corrupt, text, hint: "restart uploaderd: it sets the catalog aside and rebuilds it")
        case SQLITE_BUSY, SQLITE_LOCKED: return StoreError(.busy, text, hint: "another program has the catalog open")
        case SQLITE_ERROR where detail.map { String(cString: $0).hasPrefix("no such ") } == true:
            // A table or column of ours that somebody has removed.
            return StoreError(.corrupt, text, hint: "restart uploaderd: it sets the catalog aside and rebuilds it")
        default: return StoreError(.internalFailure, text)
        }
    }
}
