import Shared

/// Claude Code's `settings.json`:
///
///     {"hooks": {"SessionStart": [{"hooks": [{"type": "command", "command": "/usr/bin/uploaderctl capture # uploaderd"}]}], …}}
///
/// An event has an array of entries, an entry an array of handlers. Ours are entries of their own, behind all others. An object
/// or array that was empty before gets a space before what we put there, and so is known to have been there: what is removed
/// later leaves it, and takes away what we made.
package struct ClaudeSettings: AgentSettings {
    static let events = ["SessionStart", "SessionEnd", "UserPromptSubmit"]
    private static let seconds = 5

    let command: HookCommand

    package init(_ command: HookCommand) { self.command = command }

    package var nothing: [UInt8] { Array("{}".utf8) }

    package var fresh: [UInt8] {
        let events = Self.events.map { "    \"\($0)\": [\(entry)]" }.joined(separator: ",\n")
        return Array("{\n  \"hooks\": {\n\(events)\n  }\n}\n".utf8)
    }

    private var entry: String {
        "{\"hooks\": [{\"type\": \"command\", \"command\": \(Self.quoted(command.shellText)), \"timeout\": \(Self.seconds)}]}"
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    package func installed(in text: [UInt8]) throws(ClientError) -> [UInt8] {
        try check(text)
        return try reading { () throws(JSONFault) in
            var text = text
            for event in Self.events { text = try installed(event, in: text) }
            return text
        }
    }

    package func removed(from text: [UInt8]) throws(ClientError) -> [UInt8] {
        try check(text)
        return try reading { () throws(JSONFault) in
            var text = text
            for event in Self.events {
                while let next = try removedOnce(event, from: text) { text = next }
            }
            return text
        }
    }

    package func states(in text: [UInt8]) throws(ClientError) -> [HookState] {
        try check(text)
        return try reading { () throws(JSONFault) in
            var states: [HookState] = []
            for event in Self.events {
                let handlers = try SettingsOutline(text).handlers(of: event)
                let ours = handlers.first { HookCommand.isOurs($0.command) }
                let byHand = handlers.first { HookCommand.isByHand($0.command) }
                let standing: HookState.Standing =
                    if let ours {
                        ours.command == command.shellText ? .installed : .outdated
                    } else {
                        byHand == nil ? .absent : .byHand
                    }
                states.append(HookState(event: event, standing: standing, command: (ours ?? byHand)?.command))
            }
            return states
        }
    }

    private func reading<Value>(_ body: () throws(JSONFault) -> Value) throws(ClientError) -> Value {
        do throws(JSONFault) {
            return try body()
        } catch {
            throw Self.unreadable(error.description)
        }
    }

    private static func unreadable(_ why: String) -> ClientError {
        ClientError(
            .refused, "the settings cannot be read: \(why)", hint: "mend the file first; nothing in it was changed")
    }

    /// All of it is JSON, and has the form that Claude Code reads.
    private func check(_ text: [UInt8]) throws(ClientError) {
        let value: JSONValue
        do throws(JSONFault) {
            value = try JSONReader.value(of: text)
        } catch {
            throw Self.unreadable("it is not JSON: \(error.description)")
        }
        guard case .object = value else { throw Self.unreadable("it is no JSON object") }
        guard let hooks = value["hooks"] else { return }
        guard case .object = hooks else { throw Self.unreadable("its \"hooks\" is no object") }
        for event in Self.events {
            switch hooks[event] {
            case nil, .array: break
            case .some: throw Self.unreadable("\"\(event)\" of its \"hooks\" is no array")
            }
        }
    }

    // MARK: Edits

    private func installed(_ event: String, in text: [UInt8]) throws(JSONFault) -> [UInt8] {
        let settings = try SettingsOutline(text)
        let handlers = try settings.handlers(of: event)
        if let ours = handlers.first(where: { HookCommand.isOurs($0.command) }) {
            guard ours.command != command.shellText else { return text }
            return text.replacing(ours.commandPlace, with: Self.quoted(command.shellText))
        }
        if handlers.contains(where: { HookCommand.isByHand($0.command) }) { return text }
        let array = "\"\(event)\": [\(entry)]"
        guard let hooks = try settings.hooks else {
            return settings.appending(
                "\"hooks\": {\(array)}", to: settings.top, behind: try settings.values(in: settings.top))
        }
        guard let entries = try settings.outline.member(event, of: hooks) else {
            return settings.appending(array, to: hooks, behind: try settings.values(in: hooks))
        }
        return settings.appending(entry, to: entries, behind: try settings.outline.elements(of: entries))
    }

    /// - Returns: `nil` when there is none of ours left.
    private func removedOnce(_ event: String, from text: [UInt8]) throws(JSONFault) -> [UInt8]? {
        let settings = try SettingsOutline(text)
        guard let hooks = try settings.hooks, let entries = try settings.outline.member(event, of: hooks),
            let ours = try settings.handlers(of: event).first(where: { HookCommand.isOurs($0.command) })
        else { return nil }
        // From the inside out: what holds nothing but ours goes with it.
        let steps: [(container: Range<Int>, parts: [Range<Int>], part: Range<Int>)] = [
            (ours.siblings, try settings.outline.elements(of: ours.siblings), ours.place),
            (entries, try settings.outline.elements(of: entries), ours.entry),
            (hooks, try settings.values(in: hooks), try settings.member(event, of: hooks)),
            (settings.top, try settings.values(in: settings.top), try settings.member("hooks", of: settings.top)),
        ]
        for (index, step) in steps.enumerated() {
            // An entry of ours has nothing but its handlers; one with a matcher that somebody gave it goes all the same.
            let isOurs =
                step.parts.count == 1 && index < steps.count - 1 && !(index > 0 && settings.wasThere(step.container))
            if isOurs { continue }
            return settings.removing(step.part, of: step.parts, from: step.container)
        }
        return nil
    }
}

/// The places in the text of the settings that matter to us.
private struct SettingsOutline {
    struct Handler {
        var command: String
        /// Of the value of `command`, with its quotes.
        var commandPlace: Range<Int>
        var place: Range<Int>
        /// The array in which it stands.
        var siblings: Range<Int>
        /// The entry to which that belongs.
        var entry: Range<Int>
    }

    let outline: JSONOutline
    let top: Range<Int>

    init(_ text: [UInt8]) throws(JSONFault) {
        outline = JSONOutline(text)
        top = try outline.whole()
    }

    var hooks: Range<Int>? { get throws(JSONFault) { try outline.member("hooks", of: top) } }

    /// Members with their names.
    func values(in object: Range<Int>) throws(JSONFault) -> [Range<Int>] {
        try outline.members(of: object).map { $0.rawName.lowerBound - 1..<$0.value.upperBound }
    }

    func member(_ name: String, of object: Range<Int>) throws(JSONFault) -> Range<Int> {
        let member = try outline.members(of: object).last { outline.bytes[$0.rawName].elementsEqual(name.utf8) }
        return member.map { $0.rawName.lowerBound - 1..<$0.value.upperBound } ?? object
    }

    /// Handlers of an event that have a command; what has another form is somebody else's.
    func handlers(of event: String) throws(JSONFault) -> [Handler] {
        guard let hooks = try hooks, let entries = try outline.member(event, of: hooks), outline.isArray(entries) else {
            return []
        }
        var found: [Handler] = []
        for entry in try outline.elements(of: entries) where outline.isObject(entry) {
            guard let siblings = try outline.member("hooks", of: entry), outline.isArray(siblings) else { continue }
            for place in try outline.elements(of: siblings) where outline.isObject(place) {
                guard let commandPlace = try outline.member("command", of: place),
                    let command = try outline.value(at: commandPlace).text
                else { continue }
                found.append(
                    Handler(
                        command: command, commandPlace: commandPlace, place: place, siblings: siblings, entry: entry))
            }
        }
        return found
    }

    /// Whether it was empty before we put something there.
    func wasThere(_ container: Range<Int>) -> Bool {
        let inside = outline.bytes[(container.lowerBound + 1)...]
        return inside.first == 0x20 && inside.dropFirst().first.map { $0 > 0x20 } ?? false
    }

    /// - Parameter parts: what the container has; the white space before the last of them is put before the new one, too.
    func appending(_ part: String, to container: Range<Int>, behind parts: [Range<Int>]) -> [UInt8] {
        guard let last = parts.last else {
            return outline.bytes.replacing(container.lowerBound + 1..<container.lowerBound + 1, with: " \(part)")
        }
        let before = parts.dropLast().last.map(\.upperBound) ?? container.lowerBound
        let gap = outline.bytes[before..<last.lowerBound].reversed().prefix { $0 <= 0x20 }.reversed()
        return outline.bytes.replacing(
            last.upperBound..<last.upperBound, with: "," + String(decoding: Array(gap), as: UTF8.self) + part)
    }

    func removing(_ part: Range<Int>, of parts: [Range<Int>], from container: Range<Int>) -> [UInt8] {
        guard let index = parts.firstIndex(of: part) else { return outline.bytes }
        let range =
            if index > 0 {
                parts[index - 1].upperBound..<part.upperBound
            } else if parts.count > 1 {
                part.lowerBound..<parts[1].lowerBound
            } else {
                container.lowerBound + 1..<part.upperBound
            }
        return outline.bytes.replacing(range, with: "")
    }
}

extension [UInt8] {
    fileprivate func replacing(_ range: Range<Int>, with text: String) -> [UInt8] {
        self[..<range.lowerBound] + Array(text.utf8) + self[range.upperBound...]
    }
}
