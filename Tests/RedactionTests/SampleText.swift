import TestSupport

/// The texts of rules' examples: `{hex:32}` is drawn from a seed.
struct SampleText {
    private var random: Seeded

    init(seed: UInt64) { random = Seeded(seed) }

    private static let lower = "abcdefghijklmnopqrstuvwxyz"
    private static let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    private static let digits = "0123456789"

    private static let alphabets = [
        "hex": "0123456789abcdef", "HEX": "0123456789ABCDEF", "digit": digits, "lower": lower, "upper": upper,
        "alpha": lower + upper, "alnum": lower + upper + digits, "lowerdigit": lower + digits,
        "upperdigit": upper + digits, "word": lower + upper + digits + "_-", "base64": lower + upper + digits + "+/",
        "bech32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    ]

    /// - Parameter template: `{name:count}` and `{uuid}` are replaced, everything else stays.
    mutating func text(_ template: String) -> String {
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{") {
            text += rest[..<open]
            rest = rest[open...]
            guard let close = rest.firstIndex(of: "}"),
                let drawn = drawn(String(rest[open...close].dropFirst().dropLast()))
            else {
                text += "{"
                rest = rest.dropFirst()
                continue
            }
            text += drawn
            rest = rest[rest.index(after: close)...]
        }
        return text + rest
    }

    private mutating func drawn(_ form: String) -> String? {
        if form == "uuid" { return [8, 4, 4, 4, 12].map { draw("hex", $0) }.joined(separator: "-").uuid4 }
        let parts = form.split(separator: ":").map(String.init)
        guard parts.count == 2, let count = Int(parts[1]), Self.alphabets[parts[0]] != nil else { return nil }
        return draw(parts[0], count)
    }

    private mutating func draw(_ name: String, _ count: Int) -> String {
        let letters = Array(Self.alphabets[name] ?? "")
        // Begins and ends with a letter or digit that is in the middle of the alphabet: a boundary is one on both sides.
        let edges = letters.filter { $0.isLetter || $0.isNumber }
        return String(
            (0..<count).map { place in
                (place == 0 || place == count - 1 ? edges : letters).randomElement(using: &random) ?? "0"
            })
    }
}

extension String {
    /// With the version's digit where a random UUID has it: RFC 9562, section 5.4.
    fileprivate var uuid4: String {
        var letters = Array(self)
        letters[14] = "4"
        return String(letters)
    }
}
