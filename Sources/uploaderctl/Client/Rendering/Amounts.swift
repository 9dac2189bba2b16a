package import Shared

/// Numbers as people read them.
package enum Amounts {
    package static func size(_ bytes: Int64) -> String { ByteCount(bytes).description }

    package static func rate(_ bytes: Double) -> String {
        ByteCount(Int64(bytes.isFinite ? max(0, min(bytes, 1e18)) : 0)).description + "/s"
    }

    /// The two greatest units: `3 d 4 h`, `12 min 5 s`, `0 s`.
    package static func duration(_ seconds: Int) -> String {
        let seconds = max(0, seconds)
        let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]
        guard let first = units.firstIndex(where: { seconds >= $0.1 }) else { return "0 s" }
        let head = "\(seconds / units[first].1) \(units[first].0)"
        guard first + 1 < units.count else { return head }
        let rest = seconds % units[first].1 / units[first + 1].1
        return rest == 0 ? head : "\(head) \(rest) \(units[first + 1].0)"
    }

    /// `12 min ago` of an RFC 3339 time; the text itself when it is none.
    package static func ago(_ text: String, now: WallTime) -> String {
        guard let time = RFC3339.parse(text) else { return text }
        let seconds = now.seconds - time.seconds
        if seconds < 5 { return "now" }
        for (name, unit) in [("d", 86_400), ("h", 3_600), ("min", 60)] as [(String, Int64)] where seconds >= unit {
            return "\(seconds / unit) \(name) ago"
        }
        return "\(seconds) s ago"
    }

    /// Whole percent, rounded down; 100 only when nothing is left.
    package static func percent(_ done: Int64, of total: Int64) -> Int {
        total <= 0 ? 100 : Int(Double(max(0, min(done, total))) / Double(total) * 100)
    }

    package static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
        "\(number) \(number == 1 ? one : many ?? one + "s")"
    }

    /// Reads a point in time: RFC 3339, or `90s`, `10min`, `2h`, `3d`, `1w` before now.
    package static func time(_ text: String, now: WallTime) -> WallTime? {
        if let time = RFC3339.parse(text) { return time }
        if text.utf8.count == 10, let day = RFC3339.parse("\(text)T00:00:00Z") { return day }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: Int64] = ["s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800]
        guard let number = Int64(digits), number <= 1_000_000_000, let unit = units[text.dropFirst(digits.count)] else {
            return nil
        }
        let (seconds, overflow) = now.seconds.subtractingReportingOverflow(number * unit)
        return overflow || seconds < 0 ? WallTime(seconds: 0) : WallTime(seconds: seconds)
    }
}
