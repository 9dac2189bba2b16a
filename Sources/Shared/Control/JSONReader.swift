/// Why a text is not JSON that we read.
package struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: String
    /// In bytes from the beginning of the text.
    package let offset: Int

    package var description: String { "\(reason) at byte \(offset)" }
}

/// Reads one JSON text (RFC 8259) of a peer whom nobody vouches for.
///
/// Strict, and bounded in depth, so that no text can exhaust the stack; its time is linear in the text's length, which
/// the framing bounds. Two members of one name, a lone surrogate, invalid UTF-8, a number that no 64 bits hold and no
/// Double can approach, and anything after the value are faults.
package struct JSONReader {
    /// Arrays and objects inside each other.
    package static let deepest = 64
    private static let longestNumber = 1_024

    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    private var depth = 0
    /// Unmanaged, so that the reader stays a plain value: whoever made it holds it.
    private let taking: Unmanaged<Taking>?

    private init(_ bytes: UnsafeRawBufferPointer, _ taking: Taking? = nil) {
        self.bytes = bytes
        self.taking = taking.map(Unmanaged.passUnretained)
    }

    /// Somebody takes elements of arrays as they are read.
    private final class Taking {
        /// Names of the members that lead to the current value.
        var path: [String] = []
        let isTaken: (_ path: [String]) -> Bool
        let take: (JSONValue, _ path: [String]) throws -> Void
        /// What `take` threw.
        var refusal: (any Error)?

        init(
            _ isTaken: @escaping (_ path: [String]) -> Bool,
            _ take: @escaping (JSONValue, _ path: [String]) throws -> Void
        ) {
            self.isTaken = isTaken
            self.take = take
        }

        /// - Returns: whether it was taken without an error.
        func took(_ element: JSONValue) -> Bool {
            do {
                try take(element, path)
                return true
            } catch {
                refusal = error
                return false
            }
        }
    }

    package static func value(of text: [UInt8]) throws(JSONFault) -> JSONValue {
        let result: Result<JSONValue, JSONFault> = text.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            do throws(JSONFault) { return .success(try reader.whole()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Reads a text that may be long: elements of some arrays are handed over one by one, and the value has these arrays
    /// empty.
    ///
    /// - Parameters:
    ///   - isTaken: whether the array to which these members' names lead is one of them. Not asked within arrays.
    ///   - take: what it throws is thrown, and nothing further is read.
    static func value(
        of text: [UInt8], where isTaken: @escaping (_ path: [String]) -> Bool,
        taking take: @escaping (JSONValue, _ path: [String]) throws -> Void
    ) throws -> JSONValue {
        let taking = Taking(isTaken, take)
        return try withExtendedLifetime(taking) {
            let result: Result<JSONValue, JSONFault> = text.withUnsafeBytes { bytes in
                var reader = JSONReader(bytes, taking)
                do throws(JSONFault) { return .success(try reader.whole()) } catch { return .failure(error) }
            }
            if let refusal = taking.refusal { throw refusal }
            return try result.get()
        }
    }

    private mutating func whole() throws(JSONFault) -> JSONValue {
        let value = try value()
        skipSpace()
        guard index == bytes.count else { throw fault("something after the value") }
        return value
    }

    private func fault(_ reason: String) -> JSONFault { JSONFault(reason: reason, offset: index) }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    /// Steps over `byte`, after white space.
    private mutating func took(_ byte: Character) -> Bool {
        skipSpace()
        guard current == byte.asciiValue else { return false }
        index += 1
        return true
    }

    private mutating func value() throws(JSONFault) -> JSONValue {
        skipSpace()
        guard let byte = current else { throw fault("the text ends where a value was expected") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("not the beginning of a value")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONFault) -> JSONValue {
        for offset in 0..<word.utf8CodeUnitCount {
            guard current == word.utf8Start[offset] else { throw fault("not a value") }
            index += 1
        }
        return value
    }

    private mutating func object() throws(JSONFault) -> JSONValue {
        try enter()
        var members: [String: JSONValue] = [:]
        if !took("}") {
            repeat {
                skipSpace()
                guard current == UInt8(ascii: "\"") else { throw fault("a member's name was expected") }
                let name = try string()
                guard took(":") else { throw fault("a colon was expected") }
                taking?.takeUnretainedValue().path.append(name)
                defer { taking?.takeUnretainedValue().path.removeLast() }
                guard members.updateValue(try value(), forKey: name) == nil else {
                    throw fault("two members of one name")
                }
            } while took(",")
            guard took("}") else { throw fault("the object does not end") }
        }
        depth -= 1
        return .object(members)
    }

    private mutating func array() throws(JSONFault) -> JSONValue {
        try enter()
        var elements: [JSONValue] = []
        let taker = taking?.takeUnretainedValue()
        let isTaken = taker.map { $0.isTaken($0.path) } ?? false
        if !took("]") {
            repeat {
                let element = try value()
                if let taker, isTaken {
                    guard taker.took(element) else { throw fault("an element that is refused") }
                } else {
                    elements.append(element)
                }
            } while took(",")
            guard took("]") else { throw fault("the array does not end") }
        }
        depth -= 1
        return .array(elements)
    }

    private mutating func enter() throws(JSONFault) {
        depth += 1
        guard depth <= Self.deepest else { throw fault("more than \(Self.deepest) arrays and objects in each other") }
        index += 1
    }

    private mutating func digits() -> Int {
        let start = index
        while let byte = current, byte >= 0x30, byte <= 0x39 { index += 1 }
        return index - start
    }

    private mutating func number() throws(JSONFault) -> JSONValue {
        let start = index
        if current == UInt8(ascii: "-") { index += 1 }
        let leading = current
        let whole = digits()
        guard whole > 0, whole == 1 || leading != UInt8(ascii: "0") else { throw fault("not a number") }
        var isWhole = true
        if current == UInt8(ascii: ".") {
            index += 1
            isWhole = false
            guard digits() > 0 else { throw fault("not a number") }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            index += 1
            isWhole = false
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { index += 1 }
            guard digits() > 0 else { throw fault("not a number") }
        }
        guard index - start <= Self.longestNumber else { throw fault("a number too long") }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isWhole {
            if let value = Int64(text) { return .integer(value) }
            if let value = UInt64(text) { return .unsigned(value) }
        }
        guard let value = Double(text), value.isFinite else { throw fault("a number too large") }
        // 1e2 and 100 are one number, and are written alike: it must be read as what it was.
        if let whole = Int64(exactly: value) { return .integer(whole) }
        if let whole = UInt64(exactly: value) { return .unsigned(whole) }
        return .number(value)
    }

    private mutating func string() throws(JSONFault) -> String {
        index += 1
        let start = index
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
        if current == UInt8(ascii: "\"") {
            guard let text = String(validating: bytes[start..<index], as: UTF8.self) else {
                throw fault("invalid UTF-8")
            }
            index += 1
            return text
        }
        var out = [UInt8](bytes[start..<index])
        while let byte = current {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: out, as: UTF8.self) else { throw fault("invalid UTF-8") }
                return text
            case UInt8(ascii: "\\"): try escape(into: &out)
            case 0..<0x20: throw fault("a control character in a string")
            default: out.append(byte)
            }
        }
        throw fault("the string does not end")
    }

    private mutating func escape(into out: inout [UInt8]) throws(JSONFault) {
        guard let byte = current else { throw fault("the string does not end") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            var code = try fourDigits()
            if (0xD800..<0xDC00).contains(code) {
                guard current == UInt8(ascii: "\\") else { throw fault("a lone surrogate") }
                index += 1
                guard current == UInt8(ascii: "u") else { throw fault("a lone surrogate") }
                index += 1
                let low = try fourDigits()
                guard (0xDC00..<0xE000).contains(low) else { throw fault("a lone surrogate") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fault("a lone surrogate") }
            out.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
        default: throw fault("no such escape")
        }
    }

    private mutating func fourDigits() throws(JSONFault) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current else { throw fault("the string does not end") }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw fault("four hexadecimal digits were expected")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }
}
