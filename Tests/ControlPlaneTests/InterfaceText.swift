import Shared

/// A reader of Varlink interface texts (varlink.org/Interface-Definition), for checks of ours and of what is sent.
struct InterfaceText {
    indirect enum Form: Equatable {
        case bool, int, float, string, object
        case named(String)
        case optional(Form)
        case list(Form)
        case record([String: Form])
        case words([String])
    }

    struct Fault: Error { let reason: String }

    var name = ""
    var types: [String: Form] = [:]
    var methods: [String: (call: Form, reply: Form)] = [:]
    var errors: [String: Form] = [:]
    private var tokens: [String] = []
    private var index = 0

    init(_ text: String) throws {
        for line in text.split(separator: "\n") {
            var word = ""
            for letter in line.prefix(while: { $0 != "#" }) {
                if letter.isLetter || letter.isNumber || letter == "_" || letter == "." {
                    word.append(letter)
                    continue
                }
                if !word.isEmpty { tokens.append(word) }
                word = ""
                if letter != " " { tokens.append(String(letter)) }
            }
            if !word.isEmpty { tokens.append(word) }
        }
        try expect("interface")
        name = try take()
        while index < tokens.count {
            let keyword = try take()
            let member = try take()
            guard member.first?.isUppercase == true, !member.contains("_"), !member.contains(".") else {
                throw Fault(reason: "member \(member)")
            }
            guard types[member] == nil, methods[member] == nil, errors[member] == nil else {
                throw Fault(reason: "\(member) twice")
            }
            switch keyword {
            case "type": types[member] = try form()
            case "error": errors[member] = try form()
            case "method":
                let call = try form()
                for token in ["-", ">"] { try expect(token) }
                methods[member] = (call, try form())
            default: throw Fault(reason: "keyword \(keyword)")
            }
        }
        for form in Array(types.values) + Array(errors.values) + methods.values.flatMap({ [$0.call, $0.reply] }) {
            try resolve(form)
        }
    }

    private mutating func take() throws -> String {
        guard index < tokens.count else { throw Fault(reason: "ends too early") }
        index += 1
        return tokens[index - 1]
    }

    private mutating func expect(_ token: String) throws {
        let found = try take()
        guard found == token else { throw Fault(reason: "\(token) expected, found \(found)") }
    }

    private mutating func form() throws -> Form {
        switch try take() {
        case "?":
            let inner = try form()
            if case .optional = inner { throw Fault(reason: "??") }
            return .optional(inner)
        case "[":
            try expect("]")
            return .list(try form())
        case "(": return try fields()
        case "bool": return .bool
        case "int": return .int
        case "float": return .float
        case "string": return .string
        case "object": return .object
        case let name:
            guard name.first?.isUppercase == true else { throw Fault(reason: "type \(name)") }
            return .named(name)
        }
    }

    private mutating func fields() throws -> Form {
        var record: [String: Form] = [:]
        var words: [String] = []
        if tokens[index] == ")" {
            index += 1
            return .record([:])
        }
        while true {
            let field = try take()
            guard isField(field) else { throw Fault(reason: "field \(field)") }
            if tokens[index] == ":" {
                index += 1
                guard record.updateValue(try form(), forKey: field) == nil else {
                    throw Fault(reason: "\(field) twice")
                }
            } else {
                words.append(field)
            }
            let next = try take()
            if next == ")" { break }
            guard next == "," else { throw Fault(reason: ", expected, found \(next)") }
        }
        guard record.isEmpty || words.isEmpty, Set(words).count == words.count else { throw Fault(reason: "\(words)") }
        return words.isEmpty ? .record(record) : .words(words)
    }

    private func isField(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard name.first?.isLetter == true, bytes.last != UInt8(ascii: "_"), !name.contains(".") else { return false }
        return !zip(bytes, bytes.dropFirst()).contains { $0 == UInt8(ascii: "_") && $1 == UInt8(ascii: "_") }
    }

    private func resolve(_ form: Form) throws {
        switch form {
        case .named(let name): if types[name] == nil { throw Fault(reason: "no type \(name)") }
        case .optional(let inner), .list(let inner): try resolve(inner)
        case .record(let fields): for inner in fields.values { try resolve(inner) }
        case .bool, .int, .float, .string, .object, .words: break
        }
    }

    /// - Returns: what of `value` is not as `form` says, as a path and a reason; `nil` when all is.
    func mismatch(_ value: JSONValue?, _ form: Form, at path: String = "") -> String? {
        switch (form, value) {
        case (.optional(let inner), _):
            return value == nil || value == .null ? nil : mismatch(value, inner, at: path)
        case (.named(let name), _): return types[name].map { mismatch(value, $0, at: path) } ?? "\(path): no \(name)"
        case (.bool, .bool), (.int, .integer), (.float, .number), (.float, .integer), (.string, .string): return nil
        case (.object, .some(let value)): return value == .null ? "\(path): null" : nil
        case (.words(let words), .string(let text)): return words.contains(text) ? nil : "\(path): \(text)"
        case (.list(let inner), .array(let values)):
            for (index, value) in values.enumerated() {
                if let wrong = mismatch(value, inner, at: "\(path)[\(index)]") { return wrong }
            }
            return nil
        case (.record(let fields), .object(let members)):
            if let stranger = members.keys.first(where: { fields[$0] == nil }) {
                return "\(path).\(stranger): not declared"
            }
            for (name, form) in fields {
                if let wrong = mismatch(members[name], form, at: "\(path).\(name)") { return wrong }
            }
            return nil
        default: return "\(path): \(String(describing: value))"
        }
    }
}
