/// Where the entries of a TOML text stand (toml.io, 1.0), as ranges of its bytes.
///
/// It knows lines, strings and brackets, and so where a value ends; what a value means is its reader's business. A text that it
/// refuses is no TOML; one that it takes may still be refused by who reads it for its meaning.
struct TOMLOutline {
    struct Entry {
        /// As it is written: `notify`, `"notify"`, `a.b`.
        var key: String
        var value: Range<Int>
        /// With the line's end.
        var line: Range<Int>
    }

    struct Fault: Error {
        var reason: String
        /// From 1.
        var line: Int
    }

    /// Behind a byte order mark.
    let beginning: Int
    /// Before the first table.
    private(set) var root: [Entry] = []
    /// What is between the brackets of each table's line.
    private var tables: [String] = []
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) throws(Fault) {
        self.bytes = bytes
        beginning = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        guard String(validating: bytes, as: UTF8.self) != nil else { throw fault("it is no UTF-8", 0) }
        var index = beginning
        var isRoot = true
        while index < bytes.count {
            let start = index
            index = skipBlanks(index)
            switch byte(index) {
            case nil, UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "#"): index = try lineEnd(index)
            case UInt8(ascii: "["):
                isRoot = false
                let end = try end(ofBracketsAt: index)
                tables.append(String(decoding: bytes[index..<end], as: UTF8.self))
                index = try lineEnd(end)
            default:
                let key = try end(ofKeyAt: index)
                guard byte(key) == UInt8(ascii: "=") else { throw fault("a = was expected behind a key", key) }
                let value = skipBlanks(key + 1)
                let end = try end(ofValueAt: value)
                let text = String(decoding: bytes[index..<key], as: UTF8.self).trimmingBlanks()
                let next = try lineEnd(end)
                if isRoot { root.append(Entry(key: text, value: value..<end, line: start..<next)) }
                index = next
            }
        }
    }

    /// The entry of that name in the root table.
    func rootEntry(_ key: String) -> Entry? { root.first { [key, "\"\(key)\"", "'\(key)'"].contains($0.key) } }

    /// Whether a table of that name is in the root table: `[key]`, `[key.other]`, `key.other = 1`.
    func hasTable(_ key: String) -> Bool {
        let dotted = root.map(\.key).filter { $0.contains(".") }
        return (tables + dotted).contains { text in
            // `[` or `[[`, and blanks.
            let name = text.drop { "[ \t".contains($0) }
            let first =
                if let quote = name.first, quote == "\"" || quote == "'" {
                    String(name.dropFirst().prefix { $0 != quote })
                } else {
                    String(name.prefix { !".] \t".contains($0) })
                }
            return first == key
        }
    }

    // MARK: Steps

    private func byte(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private func fault(_ reason: String, _ index: Int) -> Fault {
        Fault(reason: reason, line: 1 + bytes[..<min(index, bytes.count)].count { $0 == 0x0A })
    }

    private func skipBlanks(_ index: Int) -> Int {
        var index = index
        while byte(index) == 0x20 || byte(index) == 0x09 { index += 1 }
        return index
    }

    /// Blanks and a comment may follow, then the line ends.
    private func lineEnd(_ index: Int) throws(Fault) -> Int {
        var index = skipBlanks(index)
        if byte(index) == UInt8(ascii: "#") { while let byte = byte(index), byte != 0x0A { _ = byte; index += 1 } }
        if byte(index) == 0x0D { index += 1 }
        guard let last = byte(index) else { return index }
        guard last == 0x0A else { throw fault("something behind a value", index) }
        return index + 1
    }

    /// To the `=`.
    private func end(ofKeyAt start: Int) throws(Fault) -> Int {
        var index = start
        while let byte = byte(index), byte != UInt8(ascii: "="), byte != 0x0A {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"): index = try end(ofStringAt: index)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), 0x20,
                0x09:
                index += 1
            default: throw fault("this cannot stand in a key", index)
            }
        }
        guard index > start else { throw fault("a key was expected", index) }
        return index
    }

    private func end(ofValueAt start: Int) throws(Fault) -> Int {
        switch byte(start) {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return try end(ofStringAt: start)
        case UInt8(ascii: "["), UInt8(ascii: "{"): return try end(ofBracketsAt: start)
        default:
            var index = start
            while let byte = byte(index), byte != 0x0A, byte != 0x0D, byte != UInt8(ascii: "#") { index += 1 }
            while index > start, byte(index - 1) == 0x20 || byte(index - 1) == 0x09 { index -= 1 }
            guard index > start else { throw fault("a value was expected", index) }
            guard bytes[start..<index].allSatisfy(Self.isPlain) else { throw fault("this is no value", start) }
            return index
        }
    }

    /// What numbers, times, `true` and `inf` consist of; a time may have a blank.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."), UInt8(ascii: ":"), 0x20:
            true
        default: false
        }
    }

    private func end(ofBracketsAt start: Int) throws(Fault) -> Int {
        var open: [UInt8] = []
        var index = start
        while let byte = byte(index) {
            switch byte {
            case UInt8(ascii: "["): open.append(UInt8(ascii: "]"))
            case UInt8(ascii: "{"): open.append(UInt8(ascii: "}"))
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                guard open.popLast() == byte else { throw fault("a bracket that was not opened", index) }
                if open.isEmpty { return index + 1 }
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                index = try end(ofStringAt: index)
                continue
            case UInt8(ascii: "#"): while let byte = self.byte(index + 1), byte != 0x0A { _ = byte; index += 1 }
            default: break
            }
            index += 1
        }
        throw fault("a bracket that is not closed", start)
    }

    private func end(ofStringAt start: Int) throws(Fault) -> Int {
        guard let quote = byte(start) else { throw fault("a string was expected", start) }
        let isLong = byte(start + 1) == quote && byte(start + 2) == quote
        var index = start + (isLong ? 3 : 1)
        while let byte = byte(index) {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                index += 2
            } else if byte == quote, !isLong {
                return index + 1
            } else if byte == quote, self.byte(index + 1) == quote, self.byte(index + 2) == quote {
                // Up to two quotes may stand before the three that end it.
                index += 3
                for _ in 0..<2 where self.byte(index) == quote { index += 1 }
                return index
            } else if byte == 0x0A, !isLong {
                break
            } else {
                index += 1
            }
        }
        throw fault("a string that does not end", start)
    }
}

extension String {
    fileprivate func trimmingBlanks() -> String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
