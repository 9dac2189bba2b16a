/// How many columns of a terminal a text takes.
///
/// Wide are the East Asian blocks (UAX #11, W and F) and emoji; marks that sit on another letter take none. A terminal
/// that disagrees misplaces a column; nothing else depends on it.
package enum TextWidth {
    package static func columns(_ text: String) -> Int { text.reduce(0) { $0 + columns($1) } }

    static func columns(_ character: Character) -> Int {
        var widest = 0
        for scalar in character.unicodeScalars {
            // VARIATION SELECTOR-16: as a picture, which is wide.
            if scalar.value == 0xFE0F, widest > 0 { return 2 }
            widest = max(widest, columns(scalar))
        }
        return widest
    }

    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x17000...0x18CFF,
            0x1AFF0...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x3FFFD:
            return 2
        default: return scalar.properties.isEmojiPresentation ? 2 : 1
        }
    }

    /// The text, cut so that it takes at most `limit` columns, its last one then `…`.
    package static func fitted(_ text: String, to limit: Int) -> String {
        guard columns(text) > limit else { return text }
        var out = ""
        var used = 0
        for character in text {
            let width = columns(character)
            if used + width > limit - 1 { break }
            out.append(character)
            used += width
        }
        return limit > 0 ? out + "…" : ""
    }

    /// The same, keeping the end: for paths, whose last part says most.
    package static func fittedEnd(_ text: String, to limit: Int) -> String {
        guard columns(text) > limit else { return text }
        var kept: [Character] = []
        var used = 0
        for character in text.reversed() {
            let width = columns(character)
            if used + width > limit - 1 { break }
            kept.append(character)
            used += width
        }
        return limit > 0 ? "…" + String(kept.reversed()) : ""
    }

    package static func padded(_ text: String, to width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - columns(text)))
        return right ? space + text : text + space
    }
}
