/// Where the values of a JSON text are, as ranges of its bytes: to read one of them, or to change one and leave every other
/// byte as it is.
///
/// Strings are stepped over, not read: what stands in them (a lone surrogate, bytes that are no UTF-8) is nobody's business
/// who asks for another member.
///
///     let text = Array(#"{"a": [1, 2], "b": "x"}"#.utf8)
///     let outline = JSONOutline(text)
///     let members = try outline.members(of: try outline.whole())   // "a": 6..<12, "b": 19..<22
package struct JSONOutline: Sendable {
    package struct Member: Hashable, Sendable {
        /// The bytes between the quotes, escapes as they are.
        package var rawName: Range<Int>
        package var value: Range<Int>
    }

    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The one value of the text, without the white space around it.
    package func whole() throws(JSONFault) -> Range<Int> {
        let start = skipSpace(0)
        let end = try end(ofValueAt: start)
        guard skipSpace(end) == bytes.count else { throw fault("something after the value", end) }
        return start..<end
    }

    /// The members of the object at that place, in order.
    package func members(of object: Range<Int>) throws(JSONFault) -> [Member] {
        var members: [Member] = []
        try each(of: object, UInt8(ascii: "{"), UInt8(ascii: "}")) { (index) throws(JSONFault) in
            guard byte(index) == UInt8(ascii: "\"") else { throw fault("a member's name was expected", index) }
            let nameEnd = try end(ofStringAt: index)
            let colon = skipSpace(nameEnd)
            guard byte(colon) == UInt8(ascii: ":") else { throw fault("a colon was expected", colon) }
            let start = skipSpace(colon + 1)
            let end = try end(ofValueAt: start)
            members.append(Member(rawName: index + 1..<nameEnd - 1, value: start..<end))
            return end
        }
        return members
    }

    /// The elements of the array at that place, in order.
    package func elements(of array: Range<Int>) throws(JSONFault) -> [Range<Int>] {
        var elements: [Range<Int>] = []
        try each(of: array, UInt8(ascii: "["), UInt8(ascii: "]")) { (index) throws(JSONFault) in
            let end = try end(ofValueAt: index)
            elements.append(index..<end)
            return end
        }
        return elements
    }

    /// The last member of that name, which is the one that counts for most readers.
    package func member(_ name: String, of object: Range<Int>) throws(JSONFault) -> Range<Int>? {
        try members(of: object).last { String.sameBytes(bytes[$0.rawName], name) }?.value
    }

    package func value(at range: Range<Int>) throws(JSONFault) -> JSONValue {
        try JSONReader.value(of: Array(bytes[range]))
    }

    package func isObject(_ range: Range<Int>) -> Bool { byte(range.lowerBound) == UInt8(ascii: "{") }
    package func isArray(_ range: Range<Int>) -> Bool { byte(range.lowerBound) == UInt8(ascii: "[") }

    // MARK: Steps

    private func byte(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private func fault(_ reason: String, _ index: Int) -> JSONFault { JSONFault(reason: reason, offset: index) }

    private func skipSpace(_ index: Int) -> Int {
        var index = index
        while let byte = byte(index), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
        return index
    }

    /// - Parameter step: what begins there; where it ends.
    private func each(
        of range: Range<Int>, _ open: UInt8, _ close: UInt8, _ step: (Int) throws(JSONFault) -> Int
    ) throws(JSONFault) {
        guard byte(range.lowerBound) == open else { throw fault("another kind of value", range.lowerBound) }
        var index = skipSpace(range.lowerBound + 1)
        if byte(index) == close { return }
        while true {
            index = skipSpace(try step(index))
            guard byte(index) == UInt8(ascii: ",") else {
                guard byte(index) == close else { throw fault("a comma or an end was expected", index) }
                return
            }
            index = skipSpace(index + 1)
        }
    }

    private func end(ofStringAt start: Int) throws(JSONFault) -> Int {
        var index = start + 1
        while let byte = byte(index) {
            if byte == UInt8(ascii: "\"") { return index + 1 }
            index += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        throw fault("the string does not end", start)
    }

    /// Brackets are counted, not matched: whoever asks for what is in them is told of a wrong one then.
    private func end(ofValueAt start: Int) throws(JSONFault) -> Int {
        var index = start
        var depth = 0
        while let byte = byte(index) {
            switch byte {
            case UInt8(ascii: "\""): index = try end(ofStringAt: index)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                index += 1
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { throw fault("a value was expected", index) }
                depth -= 1
                index += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0A, 0x0D:
                guard depth > 0 else { throw fault("a value was expected", index) }
                index += 1
                continue
            default:
                while let byte = self.byte(index), !Self.ends.contains(byte) { index += 1 }
            }
            if depth == 0 { return index }
        }
        throw fault("the text ends where a value was expected", start)
    }

    private static let ends: Set<UInt8> = [
        UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "}"), UInt8(ascii: "]"),
        UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0A, 0x0D,
    ]
}

extension String {
    fileprivate static func sameBytes(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        bytes.elementsEqual(text.utf8)
    }
}
