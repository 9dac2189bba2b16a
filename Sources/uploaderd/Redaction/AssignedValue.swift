/// How far a value goes of which a rule knows the beginning: in commands, code and configuration.
///
///     PASSWORD=ab&cd;ef next           up to the blank
///     x?password=abcdef&user=bob       up to another parameter
///     password: "two words"            up to the closing quote of that level of JSON
///     password = getpass(x)            nothing: code computes it
///
/// It sees what rules see; `raw` and `map` tell of which level a quote is.
struct AssignedValue {
    let text: UnsafeBufferPointer<UInt8>
    let raw: UnsafeRawBufferPointer
    /// Behind its quote.
    private let begin: Int
    private let end: Int

    /// In bytes.
    private static let longest = 256
    private static let shortest = 6
    private static let shortestBehindUser = 4

    /// - Parameter begin: of the value, behind its quote.
    init(from begin: Int, in text: UnsafeBufferPointer<UInt8>, of raw: UnsafeRawBufferPointer) {
        self.text = text
        self.raw = raw
        self.begin = begin
        end = min(text.count, begin + Self.longest)
    }

    /// - Parameter extent: where its quote is.
    /// - Returns: `nil` when it is computed, speaks of a value, or is too short for one.
    func range(_ extent: RedactionRule.Extent, _ map: inout EscapedText) -> Range<Int>? {
        if isDirectory(begin) || isOption(begin) || isStructure(begin) { return nil }
        let shortest = extent == .assigned ? Self.shortest : Self.shortestBehindUser
        let isQuoted = extent == .assigned || begin > 0 && Self.isQuote(text[begin - 1])
        let quote = isQuoted ? begin - 1 : beginOfWord(before: begin)
        if quote >= 0, Self.isQuote(text[quote]), let close = close(of: quote, from: begin, &map) {
            let inside = begin..<beginOfComputed(in: begin..<close)
            let isLabel = extent == .assigned && hasBlank(inside) && !isPhrase(inside)
            return inside.count < shortest || isLabel ? nil : inside
        }
        guard let close = endOfWord(from: begin), close - begin >= shortest else { return nil }
        return begin..<close
    }

    /// What takes the place of a value: `password = "old" -> "new"`, as Terraform plans it.
    static func changed(
        behind value: Range<Int>, in text: UnsafeBufferPointer<UInt8>, of raw: UnsafeRawBufferPointer,
        _ map: inout EscapedText
    ) -> Range<Int>? {
        var at = value.upperBound
        guard at < text.count, isQuote(text[at]) else { return nil }
        let quote = text[at]
        at += 1
        guard text[at...].prefix(5).starts(with: Array(" -> ".utf8)), at + 4 < text.count, text[at + 4] == quote else {
            return nil
        }
        at += 5
        guard at < text.count else { return nil }
        return AssignedValue(from: at, in: text, of: raw).range(.assigned, &map)
    }

    // MARK: In quotes

    /// The place before the name that stands with a value in one word.
    private func beginOfWord(before begin: Int) -> Int {
        var at = begin - 1
        while at >= 0, begin - at <= 66, !isEnd(at), !Self.isQuote(text[at]) { at -= 1 }
        return at
    }

    /// Of the quote at `quote`; `nil`: it is in another line, or far.
    private func close(of quote: Int, from begin: Int, _ map: inout EscapedText) -> Int? {
        let level = text[quote] == UInt8(ascii: "\"") ? level(of: quote, &map) : nil
        var at = begin
        while at < end, text[at] >= 0x20 {
            if text[at] == UInt8(ascii: "\"") {
                // One in single quotes ends the string of JSON that they are in, or nothing can be said of it.
                guard text[quote] == UInt8(ascii: "\"") else { return nil }
                guard let level, let found = self.level(of: at, &map) else { return at }
                if found <= level { return at }
            } else if text[at] == text[quote] {
                return at
            }
            at += 1
        }
        return nil
    }

    /// `nil`: it is written as a unicode escape.
    private func level(of quote: Int, _ map: inout EscapedText) -> Int? {
        let range = map.raw(of: quote..<quote + 1)
        guard raw[range.upperBound - 1] == UInt8(ascii: "\"") else { return nil }
        return JSONQuote.level(behind: range.count - 1)
    }

    /// Where something is put in that a program knows: `${NAME}`, `$(command)`, `{{ name }}`.
    private func beginOfComputed(in range: Range<Int>) -> Int {
        for at in range.dropLast() {
            let next = text[at + 1]
            switch text[at] {
            case UInt8(ascii: "$"): if next == UInt8(ascii: "{") || next == UInt8(ascii: "(") { return at }
            case UInt8(ascii: "#"), UInt8(ascii: "{"): if next == UInt8(ascii: "{") { return at }
            default: break
            }
        }
        return range.upperBound
    }

    private func hasBlank(_ range: Range<Int>) -> Bool { text[range].contains(0x20) }

    /// Whether one of its words has the letters and digits of a password: words about one have not.
    private func isPhrase(_ range: Range<Int>) -> Bool {
        text[range].split(separator: 0x20).contains { word in
            word.count >= Self.shortest && word.contains(where: ASCII.isDigit) && word.contains(where: ASCII.isLetter)
        }
    }

    // MARK: Without quotes

    /// Where a word ends; `nil`: code computes it.
    private func endOfWord(from begin: Int) -> Int? {
        var at = begin
        // Brackets that were opened in it.
        var open = 0
        var isName = true
        while at < end, !isEnd(at) {
            let byte = text[at]
            switch byte {
            case UInt8(ascii: "&"):
                if isByte("&", at + 1) || isWord("amp;", at + 1) || isParameter(at + 1, "=") { return at }
            case UInt8(ascii: ";"):
                if isEndOrClosing(at + 1) || isParameter(at + 1, "=", hasBlanks: true) { return at }
            case UInt8(ascii: ","):
                if isEndOrClosing(at + 1) || isParameter(at + 1, "=") || isParameter(at + 1, ":") { return at }
            case UInt8(ascii: "|"):
                if isByte("|", at + 1) { return at }
            case UInt8(ascii: "<"):
                if isTag(at + 1) { return at }
            case UInt8(ascii: "$"):
                if isByte("{", at + 1) || isByte("(", at + 1) { return at }
            case UInt8(ascii: "("), UInt8(ascii: "["):
                if isName, at > begin, isClosed(at) { return nil }
                open += 1
            case UInt8(ascii: "{"): open += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"):
                if open == 0, isEndOrClosing(at + 1) { return at }
                open = max(0, open - 1)
            case UInt8(ascii: "'"), UInt8(ascii: "`"), UInt8(ascii: ">"):
                if isEndOrClosing(at + 1) { return at }
            default: break
            }
            if isName, !isOfName(byte) { isName = false }
            at += 1
        }
        return at
    }

    /// White space, a control character, a quote that may be of JSON, or nothing.
    private func isEnd(_ at: Int) -> Bool { at >= text.count || text[at] <= 0x20 || text[at] == UInt8(ascii: "\"") }

    private func isEndOrClosing(_ at: Int) -> Bool { isEnd(at) || "'`,;:.)]}>&|\\".utf8.contains(text[at]) }

    private func isByte(_ byte: Unicode.Scalar, _ at: Int) -> Bool { at < text.count && text[at] == UInt8(ascii: byte) }

    private func isWord(_ word: StaticString, _ at: Int) -> Bool {
        text[min(at, text.count)...].starts(
            with: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    private func isOfName(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    /// Whether a name and what assigns to it stand here: of a query, of a connection string (`User Id=`), of a call.
    private func isParameter(_ begin: Int, _ assigns: Unicode.Scalar, hasBlanks: Bool = false) -> Bool {
        var at = begin
        while at < text.count, at - begin <= 40,
            isOfName(text[at]) || hasBlanks && text[at] == 0x20 || "-%[]".utf8.contains(text[at])
        {
            at += 1
        }
        return at > begin && isByte(assigns, at) && !ASCII.isDigit(text[begin])
    }

    /// `</div>`, `<br>`, `<br/>`.
    private func isTag(_ begin: Int) -> Bool {
        if isByte("/", begin) { return true }
        var at = begin
        while at < text.count, at - begin < 12, ASCII.isLetter(text[at]) { at += 1 }
        return at > begin && (isByte(">", at) || isByte("/", at))
    }

    /// Whether the bracket at `begin` is closed in this line, or the line ends in it: a call, or a place in a list.
    private func isClosed(_ begin: Int) -> Bool {
        let close: Unicode.Scalar = text[begin] == UInt8(ascii: "(") ? ")" : "]"
        if isEnd(begin + 1) { return true }
        var at = begin + 1
        while at < end, text[at] >= 0x20 {
            if isByte(close, at) { return true }
            at += 1
        }
        return false
    }

    private static func isQuote(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "`")
    }

    /// `--password --verbose`
    private func isOption(_ begin: Int) -> Bool {
        text[begin] == UInt8(ascii: "-") && begin > 0 && text[begin - 1] == 0x20
    }

    /// Behind a quote that ends a string of JSON.
    private func isStructure(_ begin: Int) -> Bool {
        begin > 0 && Self.isQuote(text[begin - 1]) && (isByte(":", begin) || isByte(",", begin) || isByte("}", begin))
    }

    /// `PWD=/home/me`: where a shell is.
    private func isDirectory(_ begin: Int) -> Bool {
        guard isByte("/", begin) || isByte("~", begin) || isByte(".", begin) else { return false }
        var at = begin
        while at > 0, begin - at < 12, !ASCII.isLetter(text[at - 1]) { at -= 1 }
        return at >= 3 && text[at - 3..<at].lazy.map(ASCII.lowered).elementsEqual("pwd".utf8)
    }
}
