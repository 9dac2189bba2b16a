/// What is said about commands, made from their table.
enum Help {
    static func text() -> String {
        let width = (Command.all.map(\.name.count).max() ?? 0) + 2
        var out = "uploaderctl asks uploaderd what is safe, and gets sessions back.\n\n"
        out += "Usage: uploaderctl COMMAND [OPTIONS]\n\n"
        for command in Command.all { out += "  \(TextWidth.padded(command.name, to: width))\(command.summary)\n" }
        out += "\nEvery command takes:\n" + text(of: Command.common)
        out +=
            "\nExit codes: 0 done · 1 the answer is no · 2 usage · 3 the daemon cannot be reached · 4 refused · 5 partly done\n"
        return out + "            6 failed (disk, far end)\n"
    }

    static func text(of command: Command) -> String {
        var out = "\(command.usage)\n\n\(command.summary)\n"
        if !command.options.isEmpty { out += "\n" + text(of: command.options) }
        return out + "\nEvery command takes:\n" + text(of: Command.common)
    }

    private static func text(of options: [Command.Option]) -> String {
        let names = options.map { "--\($0.name)\($0.value.map { " \($0)" } ?? "")" }
        let width = (names.map(\.count).max() ?? 0) + 2
        var out = ""
        for (name, option) in zip(names, options) {
            out += "  \(TextWidth.padded(name, to: width))\(option.summary)\n"
        }
        return out
    }
}
