/// A private key in PEM of which each line has something before it: a file's name, a number, a time, a comment, a mark of a diff.
///
///     keys/id_rsa:1:-----BEGIN PRIVATE KEY-----        app-1  | -----BEGIN PRIVATE KEY-----        "-----BEGIN PRIVATE KEY-----\n" +
///     keys/id_rsa:2:MIIEvQIBADANBgkqhkiG9w0B           app-1  | MIIEvQIBADANBgkqhkiG9w0B           "MIIEvQIBADANBgkqhkiG9w0B\n" +
///
/// What stands before a line is what stands directly before the label, but for digits and blanks; or it has no letters. A double
/// quote ends a line, too.
struct PrefixedKey {
    private let text: UnsafeBufferPointer<UInt8>
    private let label: Range<Int>

    // In bytes.
    private static let longest = 48 << 10
    private static let longestPrefix = 120
    /// Of marks, quotes and a comma behind the base64 of a line.
    private static let longestSuffix = 8
    private static let shortestLine = 16
    private static let shortestFirstLine = 32
    /// Of the lines of a key without its first label; programs write 64, 70 or 76.
    private static let shortestWidth = 48
    /// Of other lines between two of base64, as many as between the first two: ` +`, `,`, `echo `, ` >> key`.
    private static let mostBetween = 4
    /// The same of headers before the first one, and of blank lines anywhere.
    private static let mostBefore = 12

    /// - Parameter label: `-----BEGIN PRIVATE KEY-----`.
    init(label: Range<Int>, in text: UnsafeBufferPointer<UInt8>) {
        self.label = label
        self.text = text
    }

    /// From its label to the end of its last line; `nil`: there are no lines of a key.
    var range: Range<Int>? {
        let shape = Self.shape(of: text[beginOfLine..<label.lowerBound])
        let limit = min(text.count, label.upperBound + Self.longest)
        var at = label.upperBound
        var end = at
        var lines = 0
        var between = 0
        var mostBetween = Self.mostBefore
        var blank = 0
        while at < limit {
            var next = at
            while next < limit, !Self.isBreak(text[next]), next - at <= 4 * Self.longestPrefix { next += 1 }
            let line = at..<next
            at = next + 1
            if let last = endOfLabel("-----END", in: line) { return lines > 0 ? label.lowerBound..<last : nil }
            guard next == limit || Self.isBreak(text[next]) else { break }
            if endOfLabel("-----BEGIN", in: line) != nil { break }
            if text[line].allSatisfy({ $0 <= 0x20 || $0 == UInt8(ascii: "\\") }) {
                blank += 1
                if blank > Self.mostBefore { break }
            } else if let key = keyInLine(line, like: shape, isFirst: lines == 0) {
                lines += 1
                // The last line may be one of a few characters: then there are two such gaps before the end.
                mostBetween = lines == 1 ? Self.mostBetween : lines == 2 ? 2 * between + 1 : mostBetween
                end = key.upperBound
                between = 0
                blank = 0
            } else {
                between += 1
                if line.count > Self.longestPrefix || between > mostBetween { break }
            }
        }
        return lines > 1 ? label.lowerBound..<end : nil
    }

    /// Of a key whose first label is elsewhere: from the first line of base64 before its last label to that label's end. All of them are
    /// of one width, but for the last, and for the first of a text that was cut off anywhere; `nil`: there are none, or the
    /// first label is there.
    var rangeBefore: Range<Int>? {
        let shape = Self.shape(of: text[beginOfLine..<label.lowerBound])
        let limit = max(0, label.lowerBound - Self.longest)
        var end = beginOfLine
        var begin: Int?
        var width = 0
        var between = 0
        while end > limit, Self.isBreak(text[end - 1]) {
            var next = end - 1
            while next > limit, !Self.isBreak(text[next - 1]), end - next <= 4 * Self.longestPrefix { next -= 1 }
            let line = next..<end - 1
            end = next
            if let last = endOfLabel("-----BEGIN", in: line),
                text[last - 5..<last].allSatisfy({ $0 == UInt8(ascii: "-") })
            {
                return nil
            }
            if text[line].allSatisfy({ $0 <= 0x20 || $0 == UInt8(ascii: "\\") }), line.count <= Self.longestPrefix {
                continue
            }
            guard let key = keyInLine(line, like: shape, isFirst: width == 0),
                width == 0 ? key.count >= Self.shortestWidth : key.count <= width
            else {
                // The last line, a checksum, or what code has between two.
                between += 1
                if between > Self.mostBetween || base64InLine(line, like: shape) == nil { break }
                continue
            }
            if key.count < width {
                if between == 0, next == 0 || text[next - 1] == UInt8(ascii: "\"") { begin = key.lowerBound }
                break
            }
            width = key.count
            begin = key.lowerBound
            between = 0
        }
        return begin.map { $0..<label.upperBound }
    }

    private static func isBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D || byte == UInt8(ascii: "\"") }

    private var beginOfLine: Int {
        var at = label.lowerBound
        while at > 0, !Self.isBreak(text[at - 1]), label.lowerBound - at < Self.longestPrefix { at -= 1 }
        return at
    }

    /// The base64 of a line that is one of a key's.
    private func keyInLine(_ line: Range<Int>, like shape: [UInt8], isFirst: Bool) -> Range<Int>? {
        guard let range = base64InLine(line, like: shape),
            range.count >= (isFirst ? Self.shortestFirstLine : Self.shortestLine)
        else { return nil }
        let key = text[range]
        return Self.isMixed(key) && (!isFirst || key.contains(where: ASCII.isDigit)) ? range : nil
    }

    /// What base64 a line ends with, perhaps none, where what is before it may stand before a line of a key.
    private func base64InLine(_ line: Range<Int>, like shape: [UInt8]) -> Range<Int>? {
        var end = line.upperBound
        while end > line.lowerBound, !Self.isOfKey(text[end - 1]) { end -= 1 }
        guard line.upperBound - end <= Self.longestSuffix else { return nil }
        var begin = end
        while begin > line.lowerBound, Self.isOfKey(text[begin - 1]) { begin -= 1 }
        let before = text[line.lowerBound..<begin]
        return Self.isOfMarks(before) || before.count <= Self.longestPrefix && shape.ends(in: Self.shape(of: before))
            ? begin..<end : nil
    }

    private static func isOfKey(_ byte: UInt8) -> Bool { ASCII.isBase64(byte) || byte == UInt8(ascii: "=") }

    /// Capitals and small letters: of 16 characters of base64 all but one in a thousand have them.
    private static func isMixed(_ key: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        key.contains { $0 &- 0x61 < 26 } && key.contains { $0 &- 0x41 < 26 }
    }

    /// No letters, and one number at most: that of the line.
    private static func isOfMarks(_ prefix: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        prefix.count <= 40 && !prefix.contains(where: ASCII.isLetter)
            && shape(of: prefix).lazy.filter { $0 == UInt8(ascii: "0") }.count <= 1
    }

    /// What lines have in common that only differ in numbers: `keys/id:1:` and `keys/id-12-` are `keys/id:0:`.
    private static func shape(of prefix: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
        var shape: [UInt8] = []
        for byte in prefix {
            let meant =
                switch byte {
                case 0x09: UInt8(ascii: " ")
                case UInt8(ascii: "-"): UInt8(ascii: ":")
                case _ where ASCII.isDigit(byte): UInt8(ascii: "0")
                default: byte
                }
            if let last = shape.last, last == meant, meant == UInt8(ascii: "0") || meant == UInt8(ascii: " ") {
                continue
            }
            shape.append(meant)
        }
        return shape
    }

    /// Behind a label that begins so.
    private func endOfLabel(_ beginning: StaticString, in line: Range<Int>) -> Int? {
        let wanted = UnsafeBufferPointer(start: beginning.utf8Start, count: beginning.utf8CodeUnitCount)
        guard line.count >= wanted.count else { return nil }
        for begin in line.lowerBound...(line.upperBound - wanted.count)
        where text[begin] == UInt8(ascii: "-") && text[begin..<line.upperBound].starts(with: wanted) {
            var end = begin + wanted.count
            while end < line.upperBound, text[end] &- 0x41 < 26 || text[end] == 0x20 { end += 1 }
            while end < line.upperBound, text[end] == UInt8(ascii: "-") { end += 1 }
            while text[end - 1] == 0x20 { end -= 1 }
            return end
        }
        return nil
    }
}

extension [UInt8] {
    fileprivate func ends(in other: [UInt8]) -> Bool { suffix(other.count).elementsEqual(other) }
}
