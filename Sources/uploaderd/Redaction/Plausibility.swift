private import Glibc

/// Whether what a rule found is a secret, or only looks like one: a placeholder, a word, a piece of an image.
struct Plausibility {
    let text: UnsafeBufferPointer<UInt8>

    /// - Parameter secret: in `text`, not empty.
    func isSecret(_ secret: Range<Int>, by rule: RuleFinders.Rule) -> Bool {
        let bytes = UnsafeBufferPointer(rebasing: text[secret])
        if Self.isPlaceholder(bytes) || isInsideBase64(secret) { return false }
        if rule.isMixed, !Self.isMixed(bytes) { return false }
        if rule.entropy == 0 { return true }
        if rule.isMixed, Self.isWords(bytes) { return false }
        let bits = Self.entropy(of: bytes)
        return bits >= min(rule.entropy, Self.leastEntropy(ofDrawn: bytes.count))
            || bits >= Self.hexEntropy && Self.isHex(bytes)
    }

    /// Whether what begins at `place` begins with the type of a secret that was removed, which names nothing behind it:
    /// `[REDACTED:netrc_password]": 1.50E-3`
    func isInMarker(_ place: Int) -> Bool {
        var begin = place
        while begin > 0, place - begin < Self.longestMarker, Self.isOfType(text[begin - 1]) || isColon(begin - 1) {
            begin -= 1
        }
        guard begin > 0, text[begin - 1] == UInt8(ascii: "["), text[begin...].starts(with: Self.marker) else {
            return false
        }
        let behind = text[(begin + Self.marker.count)...].drop(while: Self.isOfType)
        return behind.first == UInt8(ascii: "]") && place < behind.startIndex
    }

    private static let marker = Array("REDACTED:".utf8)
    /// In bytes; where somebody gives a type a longer name, that counts.
    private static let longestMarker = 80

    private static func isOfType(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    private func isColon(_ at: Int) -> Bool { text[at] == UInt8(ascii: ":") }

    /// So many bits a character has all but one in some thousands of texts that are drawn from letters and digits: 16 of them cannot
    /// have more than 4, and have 3.7 on average.
    private static func leastEntropy(ofDrawn count: Int) -> Double { log2(Double(count)) - 0.95 }

    /// Of hexadecimal digits one expects no more: every fifth key of 32 of them has less than 3.5 bits a digit.
    private static let hexEntropy = 2.5

    /// Hexadecimal digits but for a short prefix, such as `sk-`.
    private static func isHex(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.lazy.filter { ASCII.hexValue($0) == nil }.count <= 3
    }

    /// Whether one of the words is anywhere in the text; `words` are in lower case.
    func hasOne(of words: [String]) -> Bool {
        words.contains { word in
            let wanted = Array(word.utf8)
            guard wanted.count <= text.count, let first = wanted.first else { return wanted.isEmpty }
            for start in 0...(text.count - wanted.count) where ASCII.lowered(text[start]) == first {
                var same = 1
                while same < wanted.count, ASCII.lowered(text[start + same]) == wanted[same] { same += 1 }
                if same == wanted.count { return true }
            }
            return false
        }
    }

    /// Whether it has letters and digits, or changes between small letters and capitals as often as drawn letters do, which
    /// is half of the time: words and names in code have neither. Sixteen letters behind each other need less: see `isDrawn`.
    static func isMixed(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var changes = 0
        var wasCapital = false
        var hasDigit = false
        var hasLetter = false
        for byte in bytes {
            if ASCII.isDigit(byte) { hasDigit = true }
            guard ASCII.isLetter(byte) else { continue }
            let isCapital = ASCII.lowered(byte) != byte
            if hasLetter, isCapital != wasCapital { changes += 1 }
            wasCapital = isCapital
            hasLetter = true
        }
        if hasDigit { return hasLetter }
        return hasLetter && (changes * 20 >= bytes.count * 9 || longestLetters(in: bytes).map(isDrawn) ?? false)
    }

    private static func longestLetters(in bytes: UnsafeBufferPointer<UInt8>) -> Slice<UnsafeBufferPointer<UInt8>>? {
        bytes.split { !ASCII.isLetter($0) }.max { $0.count < $1.count }
    }

    /// Whether letters are no words, written as code writes names: two small letters or more behind each capital (in a long name
    /// once there may be one: `nameOfKey`), and few capitals. Of 16 letters that are drawn one in a hundred looks so.
    private static func isDrawn(_ letters: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        let count = letters.count
        guard count >= 16 else { return false }
        var capitals = 0
        var changes = 0
        var small = 0
        // Small letters between two capitals, or at the end; `aName` begins with one.
        var alone = 0
        var wasCapital: Bool?
        for letter in letters {
            let isCapital = ASCII.lowered(letter) != letter
            if let wasCapital, isCapital != wasCapital {
                changes += 1
                if isCapital, small == 1, changes > 1 { alone += 1 }
                small = 0
            }
            if isCapital { capitals += 1 } else { small += 1 }
            wasCapital = isCapital
        }
        if small == 1 { alone += 1 }
        guard changes * 6 >= count else { return false }
        return switch alone {
        case 0: capitals * (count < 18 ? 4 : 3) > count
        case 1 where count >= 20: capitals * 4 > count
        default: true
        }
    }

    /// Whether it is words, and perhaps numbers, with marks between them: `a-secret-of-64-bytes`.
    private static func isWords(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let words = bytes.split { !ASCII.isLetter($0) && !ASCII.isDigit($0) }
        guard words.count >= 3 else { return false }
        return words.allSatisfy { word in
            word.dropFirst().allSatisfy { $0 &- 0x61 < 26 } && ASCII.isLetter(word[word.startIndex])
                || word.count <= 4 && word.allSatisfy(ASCII.isDigit)
        }
    }

    /// Shannon's, in bits a character.
    static func entropy(of bytes: UnsafeBufferPointer<UInt8>) -> Double {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 256) { counts in
            counts.initialize(repeating: 0)
            for byte in bytes { counts[Int(byte)] += 1 }
            var bits = 0.0
            for count in counts where count > 0 {
                let share = Double(count) / Double(bytes.count)
                bits -= share * log2(share)
            }
            return bits
        }
    }

    /// What people write where a secret would stand.
    static func isPlaceholder(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return true }
        switch first {
        case UInt8(ascii: "<"): if last == UInt8(ascii: ">") { return true }
        case UInt8(ascii: "$"), UInt8(ascii: "%"):
            if bytes.count > 1, bytes[1] == UInt8(ascii: "{") || bytes[1] == UInt8(ascii: "(") || last == first {
                return true
            }
            if first == UInt8(ascii: "$"), isVariable(bytes.dropFirst()) { return true }
        case UInt8(ascii: "{"):
            if bytes.count > 1, bytes[1] == UInt8(ascii: "{") { return true }
        case UInt8(ascii: "["):
            if contains(bytes, "redacted") { return true }
        default: break
        }
        if hasFewLetters(bytes) || isWholeWord(bytes) || CodeReference.isOne(bytes) { return true }
        guard bytes.count <= longestPlaceholder else { return false }
        return words.contains { contains(bytes, $0) } || shortWords.contains { hasApart(bytes, $0) }
    }

    /// In bytes. A key of a hundred lines may have an address of example.com in it, or spell such a word by chance.
    private static let longestPlaceholder = 160

    /// In lower case; anywhere in it.
    private static let words: [StaticString] = [
        "example", "placeholder", "redacted", "yourkey",
    ]

    /// The same of words that random keys spell: only as people write them.
    private static let shortWords: [StaticString] = ["your_", "your-", "dummy"]

    /// Whether a word begins or ends where no letter or digit is beside it, in small letters, in capitals, or with one capital: not
    /// `pDUmMYx`.
    private static func hasApart(_ bytes: UnsafeBufferPointer<UInt8>, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        return contains(bytes, word) { start in
            let found = bytes[start..<start + count]
            let capitals = found.lazy.filter { ASCII.lowered($0) != $0 }.count
            let letters = found.lazy.filter(ASCII.isLetter).count
            guard capitals == 0 || capitals == letters || capitals == 1 && ASCII.lowered(bytes[start]) != bytes[start]
            else { return false }
            return [start - 1, start + letters].contains { at in
                !bytes.indices.contains(at) || !ASCII.isLetter(bytes[at]) && !ASCII.isDigit(bytes[at])
            }
        }
    }

    private static let wholeWords: [StaticString] = [
        "password", "passwd", "pass", "pwd", "secret", "token", "string", "number", "boolean", "integer", "null",
        "none", "nil", "undefined", "true", "false", "required", "optional", "hidden", "username", "user", "apikey",
        "api_key",
        "changeme", "bearer", "basic", "unknown", "empty", "n/a", "text", "value", "str", "any", "object",
    ]

    /// The same by their length, each as a number: most texts are of none's length, and nearly all are none.
    private static let wordsOfLength: [[UInt128]] = (0...9).map { length in
        wholeWords.filter { $0.utf8CodeUnitCount == length }.map {
            number(of: UnsafeBufferPointer(start: $0.utf8Start, count: length))
        }
    }

    private static func isWholeWord(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.count < wordsOfLength.count && wordsOfLength[bytes.count].contains(number(of: bytes))
    }

    /// Of its letters in lower case.
    private static func number(of word: UnsafeBufferPointer<UInt8>) -> UInt128 {
        word.reduce(0) { $0 << 8 | UInt128(ASCII.lowered($1)) }
    }

    /// - Parameters:
    ///   - word: in lower case.
    ///   - counts: whether it does where it begins there.
    @inline(__always)
    static func contains(
        _ bytes: UnsafeBufferPointer<UInt8>, _ word: StaticString, where counts: (Int) -> Bool = { _ in true }
    ) -> Bool {
        let count = word.utf8CodeUnitCount
        guard count <= bytes.count else { return false }
        for start in 0...(bytes.count - count) {
            var same = 0
            while same < count, ASCII.lowered(bytes[start + same]) == word.utf8Start[same] { same += 1 }
            if same == count, counts(start) { return true }
        }
        return false
    }

    /// `TOKEN` of `$TOKEN`, or `token`: a name in capitals, or one without digits.
    private static func isVariable(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard let first = name.first, ASCII.isLetter(first) || first == UInt8(ascii: "_") else { return false }
        let isWord = name.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_") }
        let hasSmall = name.contains { ASCII.isLetter($0) && ASCII.lowered($0) == $0 }
        return isWord && !(hasSmall && name.contains(where: ASCII.isDigit))
    }

    /// `********`, and `ghp_0000000000`, whose second half is what is written where letters would stand. A password may end
    /// in any other character many times.
    private static func hasFewLetters(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count >= 3, let first = bytes.first, let last = bytes.last else { return false }
        if bytes.allSatisfy({ $0 == first }) { return true }
        let part = bytes[(bytes.count / 2)...]
        guard bytes.count >= 16, fillers.contains(last) else { return false }
        let second = part.first { $0 != last } ?? last
        return fillers.contains(second) && part.allSatisfy { $0 == last || $0 == second }
    }

    private static let fillers = Array("xX0*.-_#?".utf8)

    /// How much of a run of base64 around what was found says that it is a piece of something encoded: an image, a model's
    /// signature.
    private static let longRun = 200

    private func isInsideBase64(_ secret: Range<Int>) -> Bool {
        guard text[secret].allSatisfy({ ASCII.isBase64($0) || $0 == UInt8(ascii: "=") }) else { return false }
        var outside = 0
        var at = secret.lowerBound
        while at > 0, ASCII.isBase64(text[at - 1]), outside < Self.longRun {
            at -= 1
            outside += 1
        }
        at = secret.upperBound
        while at < text.count, ASCII.isBase64(text[at]), outside < Self.longRun {
            at += 1
            outside += 1
        }
        return outside >= Self.longRun
    }
}
