import Shared

/// Why a value is not taken. The hint is the cure.
struct Refusal: Error {
    var message: String
    var hint: String
}

/// What a key's value must look like, and how it is shown.
struct ValueForm<Value> {
    let read: (TomlValue) throws(Refusal) -> Value
    /// As it would be written in the file.
    let shown: (Value) -> String

    init(shown: @escaping (Value) -> String, read: @escaping (TomlValue) throws(Refusal) -> Value) {
        self.read = read
        self.shown = shown
    }
}

/// A value of another kind than the key takes.
func mismatch(_ expected: String, _ value: TomlValue, example: String) -> Refusal {
    Refusal(message: "expected \(expected), found \(value.found)", hint: "write it like this: \(example)")
}

private func text(of value: TomlValue, expected: String, example: String) throws(Refusal) -> String {
    guard case .string(let text) = value else { throw mismatch(expected, value, example: example) }
    return text
}

extension ValueForm where Value == Bool {
    static var truth: ValueForm {
        ValueForm(shown: { $0 ? "true" : "false" }) { (value) throws(Refusal) in
            guard case .boolean(let truth) = value else {
                throw mismatch("true or false", value, example: "true")
            }
            return truth
        }
    }
}

extension ValueForm where Value == Int {
    static func number(_ range: ClosedRange<Int>) -> ValueForm {
        ValueForm(shown: { String($0) }) { (value) throws(Refusal) in
            guard case .integer(let number) = value else {
                throw mismatch("a whole number", value, example: String(range.upperBound))
            }
            guard let count = Int(exactly: number), range.contains(count) else {
                throw Refusal(
                    message: "\(number) is out of range",
                    hint: "use a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return count
        }
    }
}

extension ValueForm where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> ValueForm {
        let example = "\"60s\", \"500ms\", \"2m30s\" or \"7d\""
        return ValueForm(shown: { TomlText.quoted(DurationText.text($0)) }) { (value) throws(Refusal) in
            let text = try text(of: value, expected: "a duration", example: example)
            guard let duration = DurationText.duration(text) else {
                throw Refusal(
                    message: "\(value.found) is not a duration",
                    hint: "write whole numbers with the units d, h, m, s or ms, as in \(example)")
            }
            guard range.contains(duration) else {
                let (low, high) = (DurationText.text(range.lowerBound), DurationText.text(range.upperBound))
                throw Refusal(message: "\(value.found) is out of range", hint: "use a duration from \(low) to \(high)")
            }
            return duration
        }
    }
}

extension ValueForm where Value == ByteCount {
    static func bytes(_ range: ClosedRange<ByteCount>) -> ValueForm {
        let example = "\"8MiB\", \"64KiB\" or \"1GB\""
        return ValueForm(shown: { TomlText.quoted($0.exact) }) { (value) throws(Refusal) in
            let size: ByteCount?
            switch value {
            case .integer(let number): size = ByteCount(number)
            case .string(let text): size = ByteCount(text)
            case .table, .array, .float, .boolean, .date: throw mismatch("a size", value, example: example)
            }
            guard let size else {
                throw Refusal(
                    message: "\(value.found) is not a size",
                    hint:
                        "write a whole number of bytes or one with the unit KiB, MiB, GiB, kB, MB or GB, as in \(example)"
                )
            }
            guard range.contains(size) else {
                throw Refusal(
                    message: "\(value.found) is out of range",
                    hint: "use a size from \(range.lowerBound.exact) to \(range.upperBound.exact)")
            }
            return size
        }
    }
}

extension ValueForm where Value == TransferRate {
    static var rate: ValueForm {
        ValueForm(shown: { TomlText.quoted($0.text) }) { (value) throws(Refusal) in
            let example = "\"off\" or \"2MiB/s\""
            let text = try text(of: value, expected: "a rate", example: example)
            guard let rate = TransferRate(text) else {
                throw Refusal(
                    message: "\(value.found) is not a rate",
                    hint: "write \(example)")
            }
            return rate
        }
    }
}

extension ValueForm {
    /// One of the names of an enumeration; what differs from all of them is compared with the nearest.
    static func choice(_ names: [String], shown: @escaping (Value) -> String, make: @escaping (String) -> Value?)
        -> ValueForm
    {
        let all = names.joined(separator: ", ")
        return ValueForm(shown: { TomlText.quoted(shown($0)) }) { (value) throws(Refusal) in
            let text = try text(of: value, expected: "one of \(all)", example: TomlText.quoted(names.first ?? ""))
            guard names.contains(text), let choice = make(text) else {
                let nearest = NearestName.suggestion(for: text, among: names)
                throw Refusal(
                    message: "\(value.found) is none of \(all)",
                    hint: nearest.map { "did you mean \"\($0)\"?" } ?? "use one of \(all)")
            }
            return choice
        }
    }
}

extension ValueForm where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static var oneOf: ValueForm {
        choice(Value.allCases.map(\.rawValue), shown: \.rawValue) { Value(rawValue: $0) }
    }
}

extension ValueForm where Value == [String] {
    /// A list of texts, each of which `element` takes and may replace.
    static func list(example: String, of element: ValueForm<String>) -> ValueForm {
        ValueForm(shown: { TomlText.list($0) }) { (value) throws(Refusal) in
            guard case .array(let elements) = value else {
                throw mismatch("a list of texts", value, example: "[\(example)]")
            }
            var texts: [String] = []
            for node in elements { texts.append(try element.read(node.value)) }
            return texts
        }
    }
}
