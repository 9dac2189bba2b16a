import CToml

/// A value of a TOML document, with its place.
struct TomlNode: Sendable {
    var value: TomlValue
    /// From 1.
    var line: Int
}

/// `key = value`, or a table with its header.
struct TomlMember: Sendable {
    var key: String
    /// Of the key.
    var line: Int
    var node: TomlNode
}

indirect enum TomlValue: Sendable {
    /// In the order of the lines.
    case table([TomlMember])
    case array([TomlNode])
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    /// A date or a time: no key of ours takes one.
    case date

    /// How a problem names what it found; a long text is cut.
    var found: String {
        switch self {
        case .table: "a table"
        case .array(let elements): elements.isEmpty ? "an empty list" : "a list"
        case .string(let text): TomlText.quoted(text.count > 60 ? "\(text.prefix(60))…" : text)
        case .integer(let number): String(number)
        case .float(let number): String(number)
        case .boolean(let truth): truth ? "true" : "false"
        case .date: "a date"
        }
    }
}

/// What is not TOML, and where.
struct TomlSyntaxError: Error {
    var message: String
    /// From 1; 0 when it is about no place.
    var line: Int
    var column: Int
}

/// TOML text becomes a tree; toml++ does the reading.
enum TomlDocument {
    /// - Returns: the members of the root table.
    static func parse(_ bytes: [UInt8]) throws(TomlSyntaxError) -> [TomlMember] {
        let parsed = bytes.withUnsafeBytes { buffer in
            ctoml_parse(buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard let document = parsed else {
            throw TomlSyntaxError(message: "there is not enough memory to read it", line: 0, column: 0)
        }
        defer { ctoml_free(document) }
        var line: UInt32 = 0
        var column: UInt32 = 0
        if let message = ctoml_error(document, &line, &column) {
            throw TomlSyntaxError(message: String(cString: message), line: Int(line), column: Int(column))
        }
        var count = 0
        guard let nodes = ctoml_nodes(document, &count), count > 0 else { return [] }
        var index = 0
        if case .table(let members) = node(UnsafeBufferPointer(start: nodes, count: count), &index).value {
            return members
        }
        return []
    }

    /// The node at `index`, which moves past all that lies inside it. CToml bounds the depth.
    private static func node(_ nodes: UnsafeBufferPointer<ctoml_node>, _ index: inout Int) -> TomlNode {
        let entry = nodes[index]
        let end = index + 1 + entry.descendants
        index += 1
        let value: TomlValue
        switch UInt32(entry.kind) {
        case CTOML_TABLE.rawValue:
            var members: [TomlMember] = []
            while index < end {
                let member = nodes[index]
                let node = node(nodes, &index)
                members.append(
                    TomlMember(
                        key: text(member.key, member.key_length), line: Int(member.key_line), node: node))
            }
            value = .table(members.sorted { $0.line < $1.line })
        case CTOML_ARRAY.rawValue:
            var elements: [TomlNode] = []
            while index < end { elements.append(node(nodes, &index)) }
            value = .array(elements)
        case CTOML_STRING.rawValue: value = .string(text(entry.text, entry.text_length))
        case CTOML_INTEGER.rawValue: value = .integer(entry.integer)
        case CTOML_FLOAT.rawValue: value = .float(entry.number)
        case CTOML_BOOLEAN.rawValue: value = .boolean(entry.integer != 0)
        default: value = .date
        }
        return TomlNode(value: value, line: Int(entry.line))
    }

    private static func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count), as: UTF8.self)
    }
}

/// Values as they are written in a TOML file.
enum TomlText {
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            default:
                // Also DEL, C1 and the bidi controls: the text ends up on a terminal.
                if scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    out += scalar.value > 0xFFFF ? "\\U" : "\\u"
                    out += String(repeating: "0", count: (scalar.value > 0xFFFF ? 8 : 4) - digits.count) + digits
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }

    static func list(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ", ") + "]" }
}
