/// Why a JSON text is not the value that it should be, as a sentence: where in it, and what was expected there.
///
///     segments[2].lines: a whole number was expected
package struct JSONMismatch: Error, Hashable, CustomStringConvertible {
    package let description: String

    private init(_ sentence: String) { description = sentence }

    /// What stands at the path is not what it should be.
    init(_ path: [any CodingKey], expected: String) {
        self.init("\(Self.text(of: path)): \(expected) was expected")
    }

    /// What the decoder met. Its own words are about Swift's types, and change with its version.
    ///
    /// - Parameter place: of what it decoded, in the whole.
    init(_ error: any Error, below place: String = "") {
        switch error {
        case let error as JSONMismatch: self = error
        case DecodingError.typeMismatch(let type, let context):
            self.init("\(Self.text(of: context.codingPath, below: place)): \(Self.words(for: type)) was expected")
        case DecodingError.valueNotFound(let type, let context):
            self.init(
                "\(Self.text(of: context.codingPath, below: place)): \(Self.words(for: type)), and not null, was expected"
            )
        case DecodingError.keyNotFound(let key, let context):
            self.init("\(Self.text(of: context.codingPath + [key], below: place)) is missing")
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            self.init("\(Self.text(of: context.codingPath, below: place)) is none of the values that can be there")
        default: self.init("it is no JSON")
        }
    }

    private static func text(of path: [any CodingKey], below place: String = "") -> String {
        var text = place
        for key in path {
            if let index = key.intValue, key.stringValue.hasPrefix("Index ") {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return text.isEmpty ? "the whole" : text
    }

    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        case is Double.Type: "a number"
        case is any BinaryInteger.Type: "a whole number"
        case is [Any].Type: "a list"
        case is [String: Any].Type: "an object"
        default: "another kind of value"
        }
    }
}
