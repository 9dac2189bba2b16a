/// How durations are written in configuration and shown: `500ms`, `60s`, `2m30s`, `1h`, `7d`.
///
/// One or more whole numbers, each with its unit (`d h m s ms`), larger units first, no unit twice, no space.
/// A bare number is not valid: nobody can know its unit.
package enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// - Returns: `nil` for any other text, or one over 292 years.
    package static func duration(_ text: String) -> Duration? {
        var rest = Substring(text)
        var remaining = units[...]
        var milliseconds: Int64 = 0
        repeat {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            guard let index = remaining.firstIndex(where: { $0.name == name }) else { return nil }
            rest = rest.dropFirst(name.count)
            let (part, tooLarge) = number.multipliedReportingOverflow(by: units[index].milliseconds)
            let (sum, overflow) = milliseconds.addingReportingOverflow(part)
            guard !tooLarge, !overflow else { return nil }
            milliseconds = sum
            remaining = remaining[(index + 1)...]
        } while !rest.isEmpty
        guard milliseconds <= Int64.max / 1_000_000 else { return nil }
        return .milliseconds(milliseconds)
    }

    /// The shortest text that reads back as the same duration, to the millisecond; `0s` for none.
    package static func text(_ duration: Duration) -> String {
        var rest = max(0, duration.nanoseconds / 1_000_000)
        if rest == 0 { return "0s" }
        var text = ""
        for (name, milliseconds) in units where rest >= milliseconds {
            text += "\(rest / milliseconds)\(name)"
            rest %= milliseconds
        }
        return text
    }
}
