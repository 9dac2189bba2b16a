import Shared

/// Codex' `config.toml`, of which one line is ours, the first:
///
///     notify = ["/usr/bin/uploaderctl", "capture"] # uploaderd
///
/// Codex runs one such program, with a JSON text as its last argument. Keys of the root table stand before every `[table]`, and the
/// first line is before all of them.
package struct CodexSettings: AgentSettings {
    private static let key = "notify"
    private static let event = "notify"
    /// In a file that we made.
    private static let madeMark = "\(HookCommand.mark): this file was made by uploaderctl hooks install"

    let command: HookCommand

    package init(_ command: HookCommand) { self.command = command }

    private var value: String {
        "[" + command.words.map(Self.quoted).joined(separator: ", ") + "]"
    }

    private var line: [UInt8] { Array("\(Self.key) = \(value) \(HookCommand.mark)\n".utf8) }

    package var nothing: [UInt8] { [] }

    package var fresh: [UInt8] { Array("\(Self.key) = \(value) \(Self.madeMark)\n".utf8) }

    /// A basic string: toml.io, "String".
    private static func quoted(_ word: String) -> String {
        var out = "\""
        for scalar in word.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    package func installed(in text: [UInt8]) throws(ClientError) -> [UInt8] {
        let outline = try Self.outline(text)
        guard let found = outline.rootEntry(Self.key) else {
            guard !outline.hasTable(Self.key) else {
                throw ClientError(
                    .refused, "\(Self.key) is a table in these settings, which Codex does not know",
                    hint: "take it out, then install again; nothing was changed")
            }
            let place = outline.beginning
            return text[..<place] + line + text[place...]
        }
        let old = String(decoding: text[found.line], as: UTF8.self)
        if !Self.isOurs(old) {
            if HookCommand.isByHand(old.replacing("\", \"", with: " ")) { return text }
            throw ClientError(
                .refused, "Codex runs one notify program, and another one is configured: \(Self.trimmed(old))",
                hint: "call uploaderctl capture from that program, with its last argument; nothing was changed")
        }
        guard text[found.value] != ArraySlice(value.utf8) else { return text }
        return text[..<found.value.lowerBound] + Array(value.utf8) + text[found.value.upperBound...]
    }

    package func removed(from text: [UInt8]) throws(ClientError) -> [UInt8] {
        let outline = try Self.outline(text)
        guard let found = outline.rootEntry(Self.key), Self.isOurs(String(decoding: text[found.line], as: UTF8.self))
        else {
            return text
        }
        return Array(text[..<found.line.lowerBound] + text[found.line.upperBound...])
    }

    package func states(in text: [UInt8]) throws(ClientError) -> [HookState] {
        guard let found = try Self.outline(text).rootEntry(Self.key) else {
            return [HookState(event: Self.event, standing: .absent)]
        }
        let old = String(decoding: text[found.line], as: UTF8.self)
        let standing: HookState.Standing =
            if Self.isOurs(old) {
                text[found.value] == ArraySlice(value.utf8) ? .installed : .outdated
            } else {
                HookCommand.isByHand(old.replacing("\", \"", with: " ")) ? .byHand : .foreign
            }
        return [HookState(event: Self.event, standing: standing, command: Self.trimmed(old))]
    }

    private static func isOurs(_ line: String) -> Bool {
        let line = trimmed(line)
        return HookCommand.isOurs(line) || line.hasSuffix(madeMark)
    }

    private static func trimmed(_ line: String) -> String {
        String(line.prefix { $0 != "\n" && $0 != "\r\n" && $0 != "\r" })
    }

    private static func outline(_ text: [UInt8]) throws(ClientError) -> TOMLOutline {
        do throws(TOMLOutline.Fault) {
            return try TOMLOutline(text)
        } catch {
            throw ClientError(
                .refused, "the settings cannot be read: line \(error.line): \(error.reason)",
                hint: "mend the file first; nothing in it was changed")
        }
    }
}
