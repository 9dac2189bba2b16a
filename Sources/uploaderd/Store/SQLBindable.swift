import CSQLite
import Digests
import Shared

/// A value that a statement's parameter takes.
protocol SQLBindable {
    /// - Returns: SQLite's result code.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32
}

extension Int64: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self) }
}

extension Int: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        sqlite3_bind_int64(statement, index, Int64(self))
    }
}

extension Bool: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        sqlite3_bind_int64(statement, index, self ? 1 : 0)
    }
}

extension String: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        var text = self
        return text.withUTF8 { csqlite_bind_text(statement, index, $0.baseAddress, Int32($0.count)) }
    }
}

extension [UInt8]: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        withUnsafeBufferPointer { csqlite_bind_blob(statement, index, $0.baseAddress, Int32($0.count)) }
    }
}

extension Optional: SQLBindable where Wrapped: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        if let self { self.bind(to: statement, at: index) } else { sqlite3_bind_null(statement, index) }
    }
}

extension SegmentID: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { rawValue.bind(to: statement, at: index) }
}

extension StoreID: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { rawValue.bind(to: statement, at: index) }
}

extension SessionID: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { rawValue.bind(to: statement, at: index) }
}

extension StreamName: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { rawValue.bind(to: statement, at: index) }
}

extension Digest256: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { hex.bind(to: statement, at: index) }
}

extension WallTime: SQLBindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { nanoseconds.bind(to: statement, at: index) }
}

/// The row on which a statement stands: valid only inside the closure that gets it. Columns count from 0.
struct Row {
    fileprivate let statement: OpaquePointer

    init(_ statement: OpaquePointer) { self.statement = statement }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }
    func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
    func int(_ column: Int32) -> Int { Int(sqlite3_column_int64(statement, column)) }
    func bool(_ column: Int32) -> Bool { sqlite3_column_int64(statement, column) != 0 }
    func optionalInt64(_ column: Int32) -> Int64? { isNull(column) ? nil : int64(column) }

    func optionalText(_ column: Int32) -> String? {
        guard let bytes = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// NULL reads as the empty text.
    func text(_ column: Int32) -> String { optionalText(column) ?? "" }

    func blob(_ column: Int32) -> [UInt8] {
        guard let bytes = sqlite3_column_blob(statement, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement, column))))
    }

    /// Tells that one of these columns is not what it was: a value that a failing disk, or memory, turned into another possible
    /// one. SQLite has no checksum of its pages, and nothing else would find it.
    ///
    /// - Returns: the first eight bytes of a SHA-256 over the columns' texts, each behind its length; -1 for NULL.
    func check(of columns: [Int32]) -> Int64 {
        var running = RunningDigest()
        for column in columns {
            let text = sqlite3_column_text(statement, column)
            let count = text == nil ? -1 : Int64(sqlite3_column_bytes(statement, column))
            withUnsafeBytes(of: count.bigEndian) { running.update($0) }
            if let text { running.update(UnsafeRawBufferPointer(start: text, count: Int(count))) }
        }
        return Int64(bitPattern: UInt64(running.digest().hex.prefix(16), radix: 16) ?? 0)
    }

    func segment(_ column: Int32) -> SegmentID { SegmentID(rawValue: int64(column)) }

    func optionalDigest(_ column: Int32) -> Digest256? { optionalText(column).flatMap { Digest256($0) } }

    /// - Throws: `corrupt` when the column does not hold such a value.
    func value<Value>(_ column: Int32, _ read: (String) -> Value?) throws(StoreError) -> Value {
        let text = text(column)
        guard let value = read(text) else {
            let name = sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "?"
            throw StoreError(.corrupt, "the catalog holds \"\(text.prefix(80))\" as \(name), which cannot be")
        }
        return value
    }

    func digest(_ column: Int32) throws(StoreError) -> Digest256 {
        try value(column) { (text) in Digest256(text) }
    }
    func session(_ column: Int32) throws(StoreError) -> SessionID {
        try value(column) { (text) in SessionID(text) }
    }
    func stream(_ column: Int32) throws(StoreError) -> StreamName {
        try value(column) { (text) in StreamName(text) }
    }

    /// A value that was kept as JSON text.
    func json<Value: Decodable>(_ column: Int32, _ type: Value.Type) throws(StoreError) -> Value {
        let text = text(column)
        do {
            return try JSONText.decode(type, from: Array(text.utf8))
        } catch {
            throw StoreError(.corrupt, "the catalog holds a \(type) that does not parse", cause: error)
        }
    }
}

/// JSON text of a value of ours.
func jsonText(_ value: some Encodable) throws(StoreError) -> String {
    do {
        return String(decoding: try JSONText.encode(value), as: UTF8.self)
    } catch {
        throw StoreError(.internalFailure, "could not write a value as JSON", cause: error)
    }
}
