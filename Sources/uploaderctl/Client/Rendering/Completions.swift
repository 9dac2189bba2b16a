/// Scripts for shells, made from the table of commands. Session ids are asked of the daemon when they are needed.
package enum Completions {
    package enum Shell: String, CaseIterable, Sendable { case bash, zsh, fish }

    private static let ids = "uploaderctl sessions --quiet 2>/dev/null"

    package static func script(for shell: Shell, commands: [Command]) -> String {
        switch shell {
        case .bash: bash(commands)
        case .zsh: "#compdef uploaderctl\nautoload -U +X bashcompinit && bashcompinit\n" + bash(commands)
        case .fish: fish(commands)
        }
    }

    private static func firstWords(_ commands: [Command]) -> [String] {
        var words: [String] = []
        for command in commands {
            let word = String(command.name.prefix { $0 != " " })
            if !words.contains(word) { words.append(word) }
        }
        return words
    }

    private static func secondWords(_ commands: [Command], after word: String) -> [String] {
        commands.filter { $0.name.hasPrefix("\(word) ") }.map { String($0.name.dropFirst(word.count + 1)) }
    }

    /// zsh, too, which has bash's completions.
    private static func bash(_ commands: [Command]) -> String {
        var cases = ""
        for command in commands {
            let pattern = command.name.split(separator: " ").joined(separator: "_")
            let options = (command.options + Command.common).map { "--\($0.name)" }.joined(separator: " ")
            cases += "        \(pattern)) options=\"\(options)\"; \(bashOperands(command, commands)) ;;\n"
        }
        for word in firstWords(commands) {
            let second = secondWords(commands, after: word)
            if !second.isEmpty { cases += "        \(word)) words=\"\(second.joined(separator: " "))\" ;;\n" }
        }
        var values = ""
        for option in commands.flatMap(\.options) + Command.common where option.value != nil {
            let line = "        --\(option.name)) \(bashValues(option)) ;;\n"
            if !values.contains(line) { values += line }
        }
        let groups = firstWords(commands).filter { !secondWords(commands, after: $0).isEmpty }
        return """
            _uploaderctl() {
                local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
                local command="" options="" words="" sessions="" word index
                for ((index = 1; index < COMP_CWORD; index++)); do
                    word="${COMP_WORDS[index]}"
                    case "$word" in -*) continue ;; esac
                    case "${COMP_WORDS[index-1]}" in \(valued(commands))) continue ;; esac
                    if [ -z "$command" ]; then command="$word"; else
                        case "$command" in \(groups.joined(separator: "|"))) command="${command}_$word" ;; esac
                        break
                    fi
                done
                case "$previous" in
            \(values)    esac
                case "$command" in
                    "") words="\(firstWords(commands).joined(separator: " "))"; options="--help --version" ;;
            \(cases)    esac
                case "$current" in
                    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
                    *)
                        COMPREPLY=($(compgen -W "$words" -- "$current"))
                        if [ -n "$sessions" ]; then
                            while IFS= read -r word; do
                                word="$(printf %q "$word")"
                                case "$word" in "$current"*) COMPREPLY+=("$word") ;; esac
                            done < <(\(ids))
                        fi ;;
                esac
            }
            complete -o default -F _uploaderctl uploaderctl

            """
    }

    private static func valued(_ commands: [Command]) -> String {
        let names = (commands.flatMap(\.options) + Command.common).filter { $0.value != nil }.map { "--\($0.name)" }
        return Set(names).sorted().joined(separator: "|")
    }

    private static func bashValues(_ option: Command.Option) -> String {
        option.choices.isEmpty
            ? "COMPREPLY=(); return"
            : "COMPREPLY=($(compgen -W \"\(option.choices.joined(separator: " "))\" -- \"$current\")); return"
    }

    private static func bashOperands(_ command: Command, _ commands: [Command]) -> String {
        switch command.operands.first?.kind {
        // Not among the words: compgen -W expands those, and a session id is a file's name, which anybody may have chosen.
        case .session, .sessionOrPath: "sessions=yes"
        case .command: "words=\"\(firstWords(commands).joined(separator: " "))\""
        case .word(let words): "words=\"\(words.joined(separator: " "))\""
        case .path, nil: ":"
        }
    }

    private static func fish(_ commands: [Command]) -> String {
        var out = "complete -c uploaderctl -f\n"
        func quoted(_ text: String) -> String {
            "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "\\'"))'"
        }
        for word in firstWords(commands) {
            let summary = commands.first { $0.name == word }?.summary ?? ""
            out += "complete -c uploaderctl -n __fish_use_subcommand -a \(word) -d \(quoted(summary))\n"
            for second in secondWords(commands, after: word) {
                let summary = commands.first { $0.name == "\(word) \(second)" }?.summary ?? ""
                out +=
                    "complete -c uploaderctl -n '__fish_seen_subcommand_from \(word)' -a \(second) -d \(quoted(summary))\n"
            }
        }
        for command in commands {
            let word = command.name.prefix { $0 != " " }
            let condition = "-n '__fish_seen_subcommand_from \(word)'"
            for option in command.options {
                let value =
                    option.value == nil
                    ? "" : " -x" + (option.choices.isEmpty ? "" : " -a '\(option.choices.joined(separator: " "))'")
                out += "complete -c uploaderctl \(condition) -l \(option.name)\(value) -d \(quoted(option.summary))\n"
            }
            switch command.operands.first?.kind {
            case .session: out += "complete -c uploaderctl \(condition) -a '(\(ids))'\n"
            case .sessionOrPath: out += "complete -c uploaderctl \(condition) -F -a '(\(ids))'\n"
            case .path: out += "complete -c uploaderctl \(condition) -F\n"
            case .command:
                out += "complete -c uploaderctl \(condition) -a '\(firstWords(commands).joined(separator: " "))'\n"
            case .word(let words): out += "complete -c uploaderctl \(condition) -a '\(words.joined(separator: " "))'\n"
            case nil: break
            }
        }
        for option in Command.common {
            out +=
                "complete -c uploaderctl -l \(option.name)\(option.value == nil ? "" : " -r") -d \(quoted(option.summary))\n"
        }
        return out
    }
}
