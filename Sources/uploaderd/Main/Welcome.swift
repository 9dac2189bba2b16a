import Configuration
import LinuxSystem
import Shared

/// What a person who starts the daemon in a terminal is told: where things are, and what to try next.
enum Welcome {
    static func text(_ loaded: LoadedConfiguration) -> String {
        var lines: [String] = []
        for destination in loaded.configuration.destinations {
            if case .directory(let path, _) = destination.place { lines.append("store     \(path)") }
        }
        let (there, missing) = roots(loaded.configuration.watch)
        for root in there { lines.append("watching  \(root.root) (\(root.agent.rawValue))") }
        if there.isEmpty {
            lines.append("No agent has written a session here yet; waiting for one of:")
            lines += missing.map { "          \($0.root) (\($0.agent.rawValue))" }
            lines.append("Any JSON Lines file will do to try it:  uploaderd --file ~/notes.jsonl")
        }
        lines.append("Try       uploaderctl status · uploaderctl sessions · uploaderctl replay SID")
        lines.append("Ctrl-C seals what is open and stops.")
        return lines.map { TerminalText.escaped($0) + "\n" }.joined()
    }

    private static func roots(
        _ watch: [WatchConfiguration]
    ) -> (there: [WatchConfiguration], missing: [WatchConfiguration]) {
        var there: [WatchConfiguration] = []
        var missing: [WatchConfiguration] = []
        for root in watch {
            do throws(SystemError) {
                if try Files.status(root.root, followLinks: true) != nil {
                    there.append(root)
                } else {
                    missing.append(root)
                }
            } catch {
                missing.append(root)  // the watcher says why it cannot be read
            }
        }
        return (there, missing)
    }
}
