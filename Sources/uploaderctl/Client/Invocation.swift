import Shared

/// What was typed, understood: a command, its operands and options.
package struct Invocation: Sendable {
    /// `nil`: only `--help` or `--version`, or nothing at all.
    package var command: Command?
    package var operands: [String] = []
    private var options: [String: String] = [:]

    package func has(_ option: String) -> Bool { options[option] != nil }
    package func value(_ option: String) -> String? { options[option] }

    /// Options may stand before and after the command, as `--name VALUE` or `--name=VALUE`; after `--` there are none.
    ///
    /// - Throws: `usage`, naming the nearest word that would have been right.
    package init(_ words: [String], commands: [Command] = Command.all) throws(ClientError) {
        var plain: [String] = []
        var given: [(name: String, value: String?)] = []
        let everything = commands.flatMap(\.options) + Command.common
        var index = 0
        var isPastOptions = false
        while index < words.count {
            let word = words[index]
            index += 1
            if isPastOptions || !word.hasPrefix("-") || word == "-" {
                plain.append(word)
            } else if word == "--" {
                isPastOptions = true
            } else if word == "-h" {
                given.append(("help", nil))
            } else {
                let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let name = word.hasPrefix("--") ? String(parts.first ?? "") : word
                guard let option = everything.first(where: { $0.name == name }) else {
                    var refusal = Self.unknown("option", word, among: everything.map { "--\($0.name)" })
                    // A session's id may begin like an option.
                    refusal.hint = [refusal.hint, "behind -- nothing is an option"].compactMap(\.self).joined(
                        separator: "; ")
                    throw refusal
                }
                var value = parts.count > 1 ? String(parts[1]) : nil
                if option.value != nil, value == nil {
                    guard index < words.count else {
                        throw ClientError(.usage, "--\(name) needs a value: --\(name) \(option.value ?? "")")
                    }
                    value = words[index]
                    index += 1
                } else if option.value == nil, value != nil {
                    throw ClientError(.usage, "--\(name) takes no value")
                }
                given.append((name, value))
            }
        }
        for (name, value) in given {
            guard options.updateValue(value ?? "", forKey: name) == nil else {
                throw ClientError(.usage, "--\(name) is given twice")
            }
        }
        guard let first = plain.first else { return }
        let two = plain.prefix(2).joined(separator: " ")
        guard let command = commands.first(where: { $0.name == two }) ?? commands.first(where: { $0.name == first })
        else { throw Self.unknownCommand(first, two, commands) }
        self.command = command
        operands = Array(plain.dropFirst(command.name.split(separator: " ").count))
        if !has("help") { try check(command) }
    }

    private func check(_ command: Command) throws(ClientError) {
        let hint = "usage: \(command.usage)"
        let allowed = Set((command.options + Command.common).map(\.name))
        if let stranger = options.keys.filter({ !allowed.contains($0) }).min() {
            throw ClientError(.usage, "\(command.name) takes no --\(stranger)", hint: hint)
        }
        for (operand, index) in zip(command.operands, command.operands.indices) where operand.isRequired {
            if index >= operands.count {
                throw ClientError(.usage, "\(command.name) needs \(operand.name)", hint: hint)
            }
        }
        if operands.count > command.operands.count {
            throw ClientError(
                .usage, "\(command.name) does not take “\(operands[command.operands.count])”", hint: hint)
        }
    }

    private static func unknownCommand(_ first: String, _ two: String, _ commands: [Command]) -> ClientError {
        let sub = commands.filter { $0.name.hasPrefix("\(first) ") }.map(\.name)
        if !sub.isEmpty {
            return ClientError(.usage, "\(first) needs another word", hint: "one of: \(sub.joined(separator: ", "))")
        }
        return unknown("command", first, among: commands.map(\.name))
    }

    private static func unknown(_ what: String, _ word: String, among known: [String]) -> ClientError {
        let nearest = NearestName.suggestion(for: word, among: known)
        return ClientError(
            .usage, "there is no \(what) “\(word)”",
            hint: nearest.map { "did you mean \($0)?" } ?? "uploaderctl help lists what there is")
    }
}
