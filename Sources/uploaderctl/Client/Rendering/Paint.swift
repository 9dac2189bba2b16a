/// Colours, or none.
package struct Paint: Sendable {
    package static let plain = Paint(isOn: false)

    package let isOn: Bool

    package init(isOn: Bool) { self.isOn = isOn }

    package func bold(_ text: String) -> String { painted(text, "1") }
    package func good(_ text: String) -> String { painted(text, "32") }
    package func bad(_ text: String) -> String { painted(text, "31") }

    private func painted(_ text: String, _ code: String) -> String { isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}
