private import Glibc

/// One JSON value, seen as its bytes: looks for members and parses nothing that is not asked for.
///
/// Survives anything: what is cut short ends where the bytes end, what follows a value is not looked at (two objects on
/// one line), depth costs no stack, of a repeated key the last counts. Valid as long as the bytes that it looks at.
struct JSONGlance {
    /// From the value's first byte on; may hold more after its end.
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        var start = 0
        // A byte order mark before the first line.
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { start = 3 }
        start = Self.skipSpace(bytes, start)
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes[start...])
    }

    var isObject: Bool { bytes.first == UInt8(ascii: "{") }
    var isTrue: Bool { bytes.starts(with: "true".utf8) }

    /// The object's member; `nil` when it is not there or this is no object.
    subscript(_ name: String) -> JSONGlance? { self.members([name])[0] }

    /// Follows several names down.
    subscript(_ path: [String]) -> JSONGlance? {
        var value: JSONGlance? = self
        for name in path { value = value?[name] }
        return value
    }

    /// Several members in one pass.
    func members(_ names: [String]) -> [JSONGlance?] {
        var found = [JSONGlance?](repeating: nil, count: names.count)
        forEachMember { key, value in
            let index =
                key.bytes.contains(UInt8(ascii: "\\"))
                ? key.text().flatMap { names.firstIndex(of: $0) }
                : names.firstIndex { key.isKey($0) }
            if let index { found[index] = value }
        }
        return found
    }

    /// The array's elements, at most `limit`.
    func elements(limit: Int) -> [JSONGlance] {
        guard bytes.first == UInt8(ascii: "[") else { return [] }
        var found: [JSONGlance] = []
        var index = Self.skipSpace(bytes, 1)
        while index < bytes.count, bytes[index] != UInt8(ascii: "]"), found.count < limit {
            let end = Self.end(of: bytes, from: index)
            guard end > index else { return found }
            found.append(JSONGlance(UnsafeRawBufferPointer(rebasing: bytes[index..<end])))
            index = Self.skipSpace(bytes, end)
            guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { return found }
            index = Self.skipSpace(bytes, index + 1)
        }
        return found
    }

    /// The string's text, escapes resolved, invalid sequences repaired.
    ///
    /// - Parameter limit: in bytes; a longer text is cut between characters and ends in `...`.
    /// - Returns: `nil` when this is no string, or one that never ends.
    func text(limit: Int = 4096) -> String? {
        guard bytes.first == UInt8(ascii: "\"") else { return nil }
        var out: [UInt8] = []
        var index = 1
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") { return String(decoding: out, as: UTF8.self) }
            if out.count > limit {
                let end = Self.end(of: bytes, from: 0)
                guard end > 1, bytes[end - 1] == UInt8(ascii: "\"") else { return nil }
                return Self.cut(out, to: limit)
            }
            if byte == UInt8(ascii: "\\") {
                index = Self.unescape(bytes, index + 1, into: &out)
            } else {
                out.append(byte)
                index += 1
            }
        }
        return nil
    }

    /// At most `limit` bytes of whole characters, `...` included.
    static func cut(_ bytes: [UInt8], to limit: Int) -> String {
        guard bytes.count > limit else { return String(decoding: bytes, as: UTF8.self) }
        var end = max(0, limit - 3)
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self) + "..."
    }

    private func isKey(_ name: String) -> Bool {
        let length = name.utf8.count
        return bytes.count >= length + 2 && bytes[length + 1] == UInt8(ascii: "\"")
            && bytes[1...].starts(with: name.utf8)
    }

    private func forEachMember(_ body: (_ key: JSONGlance, _ value: JSONGlance) -> Void) {
        guard isObject else { return }
        var index = Self.skipSpace(bytes, 1)
        while index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
            let keyEnd = Self.end(of: bytes, from: index)
            let colon = Self.skipSpace(bytes, keyEnd)
            guard colon < bytes.count, bytes[colon] == UInt8(ascii: ":") else { return }
            let start = Self.skipSpace(bytes, colon + 1)
            let end = Self.end(of: bytes, from: start)
            guard end > start else { return }
            body(
                JSONGlance(UnsafeRawBufferPointer(rebasing: bytes[index..<keyEnd])),
                JSONGlance(UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
            index = Self.skipSpace(bytes, end)
            guard index < bytes.count, bytes[index] == UInt8(ascii: ",") else { return }
            index = Self.skipSpace(bytes, index + 1)
        }
    }

    private static func skipSpace(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return index
            }
        }
        return index
    }

    /// - Returns: where the value that begins at `start` ends; the end of the bytes when it is cut short.
    private static func end(of bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index = endOfString(bytes, from: index)
                if depth == 0 { return index }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // A closing bracket ends the scalar before it, and is not part of it.
                if depth == 0 { return index }
                depth -= 1
                index += 1
                if depth == 0 { return index }
            case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
                if depth == 0 { return index }
                index += 1
            default: index += 1
            }
        }
        return bytes.count
    }

    /// - Returns: the place behind the quote that closes the string which opens at `start`; the end of the bytes when it
    ///   is cut short.
    private static func endOfString(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var from = start + 1
        while from < bytes.count, let hit = memchr(base + from, Int32(UInt8(ascii: "\"")), bytes.count - from) {
            let quote = UnsafeRawPointer(hit) - base
            // Escaped, if an odd number of backslashes stands before it.
            var first = quote
            while first > start + 1, bytes[first - 1] == UInt8(ascii: "\\") { first -= 1 }
            if (quote - first) % 2 == 0 { return quote + 1 }
            from = quote + 1
        }
        return bytes.count
    }

    /// - Returns: where the text goes on after the escape whose letter is at `index`.
    private static func unescape(_ bytes: UnsafeRawBufferPointer, _ index: Int, into out: inout [UInt8]) -> Int {
        guard index < bytes.count else { return index }
        switch bytes[index] {
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "u"):
            guard let first = unit(bytes, index + 1) else { break }
            var value = UInt32(first)
            var next = index + 5
            if (0xD800...0xDBFF).contains(first), next + 1 < bytes.count, bytes[next] == UInt8(ascii: "\\"),
                bytes[next + 1] == UInt8(ascii: "u"), let low = unit(bytes, next + 2), (0xDC00...0xDFFF).contains(low)
            {
                value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
                next += 6
            }
            // A lone surrogate is no character: U+FFFD.
            let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
            out.append(contentsOf: Array(String(Character(scalar)).utf8))
            return next
        case let other: out.append(other)
        }
        return index + 1
    }

    private static func unit(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> UInt16? {
        guard start + 4 <= bytes.count else { return nil }
        var value: UInt16 = 0
        for byte in bytes[start..<start + 4] {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}
