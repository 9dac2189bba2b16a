private import CVector
private import Glibc

/// A line without the escapes of JSON, at whatever depth they are: what the rules look at.
///
///     raw    {"a":"{\"k\":\"x\\nsk-1\"}"}
///     text   {"a":"{"k":"x⏎sk-1"}"}
///
/// A run of backslashes and what it escapes becomes the one character that is meant when all levels are decoded: `\n`, `\\n`
/// and `\\\n` are a line break, `\"` and `\\\"` a quote, `\u0041` an `A`; `\u005c` is one more backslash
/// of such a run, also where that is written so in turn. Backslashes that escape nothing become one. A letter that may be a token's first as
/// well (`C:\npm_…`) follows what it escapes. What sets a terminal's colours (`\u001b[31m`) is left out: it stands directly before words, and in them. Each byte of the text belongs to
/// a range of the raw line, so that what is found can be cut out there; such a range begins and ends outside of escapes, at
/// every level.
struct EscapedText {
    /// A place from which on text and raw bytes run side by side; every second one: an escape, up to the next place.
    private struct Place {
        // A scan takes no more than 4 GiB.
        var text: UInt32
        var raw: UInt32
    }

    private var places = [Place(text: 0, raw: 0)]
    /// Of the last question: the next one is about something near, mostly behind it.
    private var asked = 0

    /// The line has no backslash: text and raw bytes are the same.
    init() {}

    /// Looks at `raw` again, this time for where its bytes went.
    ///
    /// - Parameter escapes: how many it has, if that is known.
    init(of raw: UnsafeRawBufferPointer, into text: UnsafeMutablePointer<UInt8>, escapes: Int = 0) {
        places.reserveCapacity(1 + escapes * 2)
        _ = Self.write(raw, into: text) { (at, begin, count, end) in
            places.append(Place(text: UInt32(truncatingIfNeeded: at), raw: UInt32(truncatingIfNeeded: begin)))
            places.append(Place(text: UInt32(truncatingIfNeeded: at + count), raw: UInt32(truncatingIfNeeded: end)))
        }
    }

    /// The raw bytes that these bytes of the text came from; never empty unless `range` is.
    mutating func raw(of range: Range<Int>) -> Range<Int> {
        let begin = raw(at: range.lowerBound).lowerBound
        return range.isEmpty ? begin..<begin : begin..<raw(at: range.upperBound - 1).upperBound
    }

    /// The raw bytes of one byte of the text: the byte itself, or an escape.
    private mutating func raw(at text: Int) -> Range<Int> {
        let place = index(of: text)
        if !place.isMultiple(of: 2) { return Int(places[place].raw)..<Int(places[place + 1].raw) }
        let raw = Int(places[place].raw) + text - Int(places[place].text)
        return raw..<raw + 1
    }

    /// The last place at or before `text`.
    private mutating func index(of text: Int) -> Int {
        let text = UInt32(truncatingIfNeeded: text)
        var low = places[asked].text <= text ? asked : 0
        var step = 1
        while low + step < places.count, places[low + step].text <= text {
            low += step
            step *= 2
        }
        var high = min(places.count, low + step)
        while high - low > 1 {
            let middle = (low + high) / 2
            if places[middle].text <= text { low = middle } else { high = middle }
        }
        asked = low
        return low
    }

    /// Writes the text of `raw`, which is never longer.
    ///
    /// - Parameters:
    ///   - text: has room for `raw.count` bytes and 8 more.
    /// - Returns: its length, and how many escapes there were.
    static func write(
        _ raw: UnsafeRawBufferPointer, into text: UnsafeMutablePointer<UInt8>
    ) -> (count: Int, escapes: Int) {
        var escapes = 0
        let count = write(raw, into: text) { _, _, _, _ in escapes &+= 1 }
        return (count, escapes)
    }

    // The loop runs over every byte that is taken: its additions cannot overflow, since all are places in `raw` or before.
    @inline(__always)
    private static func write(
        _ raw: UnsafeRawBufferPointer, into text: UnsafeMutablePointer<UInt8>,
        _ escape: (_ text: Int, _ begin: Int, _ count: Int, _ end: Int) -> Void
    ) -> Int {
        guard let base = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
        let meanings = Self.meanings
        let beginnings = TokenPrefixes.beginnings
        let count = raw.count
        var at = 0
        var out = 0
        while at < count {
            // Many bytes at once as long as none of them is a backslash: nearly always the next one is among the first 64.
            while at &+ 64 <= count {
                let found = cvector_copy64(base + at, text + out, 0x5C)
                let plain = found.trailingZeroBitCount
                at &+= plain
                out &+= plain
                if found != 0 { break }
            }
            while at < count, base[at] != 0x5C {
                text[out] = base[at]
                at &+= 1
                out &+= 1
            }
            if at == count { break }
            let begin = at
            // Most are of one level, and no unicode.
            if at &+ 3 < count, case let meant = meanings[base[at &+ 1]], meant > 1,
                !TokenPrefixes.mayBegin(base + at + 1, beginnings)
            {
                text[out] = meant
                at &+= 2
                escape(out, begin, 1, at)
                out &+= 1
                continue
            }
            var isSpelled = false
            // How many backslashes are before the first `u`, and the last.
            var first = 0
            var last = 0
            repeat {
                let run = at
                while at < count, base[at] == 0x5C { at &+= 1 }
                last = at &- run
                if !isSpelled { first = last }
                // A backslash as well.
                guard at < count, base[at] == UInt8(ascii: "u"), codeUnit(base, at + 1, count) == 0x5C else { break }
                at &+= 5
                isSpelled = true
                // Written so twice over, the `u` stands directly behind the one before.
            } while at < count && (base[at] == 0x5C || base[at] == UInt8(ascii: "u"))
            let meant = at < count ? meanings[base[at]] : 0
            if meant > 1 {
                text[out] = meant
                if meant < 0x20, TokenPrefixes.begin(base + at, count - at) {
                    // Nobody knows whether the letter is escaped: with it the escape goes.
                    text[out + 1] = base[at]
                    at &+= 1
                    escape(out, begin, 2, at)
                    out &+= 2
                    continue
                }
                at &+= 1
                escape(out, begin, 1, at)
                out &+= 1
            } else if meant == 1, var unit = codeUnit(base, at + 1, count) {
                at &+= 5
                // `\u005c\u006e` is a line break, `\u005cu006e` the letter.
                let isEscaped = isSpelled && last == first
                if isEscaped, unit == UInt32(UInt8(ascii: "u")), let spelled = codeUnit(base, at, count) {
                    unit = spelled
                    at &+= 4
                } else if isEscaped, unit < 0x80, meanings[UInt8(unit)] > 1 {
                    unit = UInt32(meanings[UInt8(unit)])
                }
                if unit == 0x1B, let end = endOfControl(base, at, count) {
                    at = end
                    escape(out, begin, 0, at)
                    continue
                }
                // What no escape has is behind a literal backslash: `\u005c\u0041`.
                let isLiteral = isEscaped && (unit >= 0x80 || meanings[UInt8(unit)] == 0 && unit >= 0x20)
                if isLiteral { text[out] = 0x5C }
                let written = encode(unit, text + out + (isLiteral ? 1 : 0)) + (isLiteral ? 1 : 0)
                escape(out, begin, written, at)
                out &+= written
            } else {
                text[out] = 0x5C
                escape(out, begin, 1, at)
                out &+= 1
            }
        }
        return out
    }

    /// Of each byte what it means behind a backslash: 0 nothing, 1 that four digits follow.
    private static let meanings = ByteTable { meanings in
        for byte in "\"/'".utf8 { meanings[Int(byte)] = byte }
        for (letter, meant) in zip("nrtbfu".utf8, [0x0A, 0x0D, 0x09, 0x08, 0x0C, 1] as [UInt8]) {
            meanings[Int(letter)] = meant
        }
    }

    private static func codeUnit(_ base: UnsafePointer<UInt8>, _ at: Int, _ count: Int) -> UInt32? {
        guard at + 4 <= count else { return nil }
        var unit: UInt32 = 0
        for index in at..<at + 4 {
            guard let digit = ASCII.hexValue(base[index]) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// Where a control sequence (`[1;31m`) or a choice of letters (`(B`) ends whose ESC is before `at`: ECMA-48, section 5.4;
    /// ECMA-35, section 13.2. Only those that colouring programs write: `nil` for others, and for what is longer.
    private static func endOfControl(_ base: UnsafePointer<UInt8>, _ at: Int, _ count: Int) -> Int? {
        guard at + 1 < count else { return nil }
        if base[at] == UInt8(ascii: "(") { return 0x30...0x42 ~= base[at + 1] ? at + 2 : nil }
        guard base[at] == UInt8(ascii: "[") else { return nil }
        var end = at + 1
        while end < count, end - at <= 32, 0x30...0x3F ~= base[end] { end += 1 }
        return end < count && 0x40...0x7E ~= base[end] && base[end] != 0x5C ? end + 1 : nil
    }

    /// As UTF-8; half of a pair by itself, since no rule is about such characters.
    private static func encode(_ unit: UInt32, _ out: UnsafeMutablePointer<UInt8>) -> Int {
        if unit < 0x80 {
            out[0] = UInt8(unit)
            return 1
        }
        if unit < 0x800 {
            out[0] = UInt8(0xC0 | unit >> 6)
            out[1] = UInt8(0x80 | unit & 0x3F)
            return 2
        }
        out[0] = UInt8(0xE0 | unit >> 12)
        out[1] = UInt8(0x80 | unit >> 6 & 0x3F)
        out[2] = UInt8(0x80 | unit & 0x3F)
        return 3
    }
}
