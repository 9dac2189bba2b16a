import Shared

/// Rows under a heading, in columns as wide as what they hold. Cells are foreign text and are escaped here.
package struct TextTable {
    package struct Column {
        package enum Fit { case fixed, cutEnd, cutBeginning }

        let title: String
        let isNumber: Bool
        /// Whether, and where, cells may be cut when the terminal is too narrow.
        let fit: Fit

        package init(_ title: String, number: Bool = false, fit: Fit = .fixed) {
            self.title = title
            isNumber = number
            self.fit = fit
        }
    }

    private static let gap = "  "
    /// Narrower a column that may be cut does not get.
    private static let narrowest = 8

    private let columns: [Column]
    private var rows: [[String]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    package mutating func add(_ cells: [String]) { rows.append(cells.map { TerminalText.escaped($0) }) }

    /// - Parameter width: of the terminal; `nil`: nothing is cut.
    package func text(width: Int?, paint: Paint = .plain) -> String {
        let widths = widths(within: width)
        var out = paint.bold(line(columns.map(\.title), widths)) + "\n"
        for row in rows { out += line(row, widths) + "\n" }
        return out
    }

    private func widths(within limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(TextWidth.columns(columns[index].title)) { max($0, TextWidth.columns($1[index])) }
        }
        guard let limit else { return widths }
        // Half a row at most for what is not cut: a longer cell pushes the rest of its own row aside, and no other's.
        for index in columns.indices where columns[index].fit == .fixed && widths[index] > limit / 2 {
            let usual = rows.map { TextWidth.columns($0[index]) }.filter { $0 <= limit / 2 }
            widths[index] = max(usual.max() ?? 0, TextWidth.columns(columns[index].title))
        }
        var excess = widths.reduce(0, +) + Self.gap.count * (columns.count - 1) - limit
        // The widest gives way first, a column at a time, until the row fits or nothing more can give way.
        while excess > 0 {
            let candidates = columns.indices.filter { columns[$0].fit != .fixed && widths[$0] > Self.narrowest }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var parts: [String] = []
        for (index, column) in columns.enumerated() {
            let cell =
                switch column.fit {
                case .fixed: cells[index]
                case .cutEnd: TextWidth.fitted(cells[index], to: widths[index])
                case .cutBeginning: TextWidth.fittedEnd(cells[index], to: widths[index])
                }
            parts.append(TextWidth.padded(cell, to: widths[index], right: column.isNumber))
        }
        let line = parts.joined(separator: Self.gap)
        return String(line.reversed().drop { $0 == " " }.reversed())
    }
}
