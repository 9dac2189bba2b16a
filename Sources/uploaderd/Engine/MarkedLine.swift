import Glibc

/// A line in which markers stand for what rules have removed. Two machines of which only one has newer rules hold one line in two
/// forms: it can be told that they are one, for outside of what was removed not a byte is another.
struct MarkedLine {
    /// What stands around the markers: one more than there are of these.
    private let literals: [ArraySlice<UInt8>]

    private static let opening = Array("[REDACTED:".utf8)
    private static let longestType = 64
    /// Less than this says nothing of which line it is.
    private static let least = 16
    private static let notice = Array("{\"type\":\"uploaderd.withheld\",\"bytes\":".utf8)

    /// Whether one of two lines, whole and with their ends, is the other with more of it removed.
    static func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        if let bytes = withheldBytes(one) { return bytes == withheldBytes(other) ?? other.count }
        if let bytes = withheldBytes(other) { return bytes == one.count }
        return MarkedLine(one).stands(for: other) || MarkedLine(other).stands(for: one)
    }

    /// How long the line was in whose place this one stands.
    private static func withheldBytes(_ line: [UInt8]) -> Int? {
        guard line.starts(with: notice) else { return nil }
        let digits = line[notice.count...].prefix { $0 >= 0x30 && $0 <= 0x39 }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    init(_ line: [UInt8]) {
        var literals: [ArraySlice<UInt8>] = []
        var begin = 0
        var at = 0
        while at < line.count {
            guard line[at] == Self.opening[0], let end = Self.markerEnd(in: line, at: at) else {
                at += 1
                continue
            }
            literals.append(line[begin..<at])
            begin = end
            at = end
        }
        literals.append(line[begin...])
        // A number has got quotes with its marker.
        for index in literals.indices.dropLast() {
            let (left, right) = (Self.quoteAtEnd(of: literals[index]), Self.quoteAtStart(of: literals[index + 1]))
            guard left > 0, left == right else { continue }
            literals[index] = literals[index].dropLast(left)
            literals[index + 1] = literals[index + 1].dropFirst(right)
        }
        self.literals = literals
    }

    private static func markerEnd(in line: [UInt8], at start: Int) -> Int? {
        guard line[start...].starts(with: opening) else { return nil }
        let type = line[(start + opening.count)...].prefix(longestType + 1)
        guard let close = type.firstIndex(of: UInt8(ascii: "]")), close > start + opening.count else { return nil }
        return close + 1
    }

    /// A quote and the backslashes before it.
    private static func quoteAtEnd(of literal: ArraySlice<UInt8>) -> Int {
        guard literal.last == UInt8(ascii: "\"") else { return 0 }
        return 1 + literal.dropLast().reversed().prefix { $0 == UInt8(ascii: "\\") }.count
    }

    private static func quoteAtStart(of literal: ArraySlice<UInt8>) -> Int {
        let backslashes = literal.prefix { $0 == UInt8(ascii: "\\") }.count
        return literal.dropFirst(backslashes).first == UInt8(ascii: "\"") ? backslashes + 1 : 0
    }

    /// Whether there is something for each marker that would make the line this text.
    private func stands(for text: [UInt8]) -> Bool {
        guard literals.count > 1, literals.reduce(0, { $0 + $1.count }) >= Self.least, let first = literals.first,
            let last = literals.last, text.count >= first.count + last.count + literals.count - 1,
            text.starts(with: first), text.reversed().starts(with: last.reversed())
        else { return false }
        var at = first.count
        let end = text.count - last.count
        for literal in literals.dropFirst().dropLast() {
            guard let found = Self.find(literal, in: text, from: at + 1, to: end) else { return false }
            at = found + literal.count
        }
        return at < end
    }

    /// In time that grows with the lengths alone: the lines may be anybody's.
    private static func find(_ literal: ArraySlice<UInt8>, in text: [UInt8], from: Int, to end: Int) -> Int? {
        guard from <= end else { return nil }
        guard !literal.isEmpty else { return from }
        return text.withUnsafeBytes { text in
            literal.withUnsafeBytes { literal in
                guard let start = text.baseAddress, let wanted = literal.baseAddress,
                    let found = memmem(start + from, end - from, wanted, literal.count)
                else { return nil }
                return UnsafeRawPointer(found) - start
            }
        }
    }
}
