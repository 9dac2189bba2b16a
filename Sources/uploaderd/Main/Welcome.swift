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
            lines.append("Any JSON Lines file will do to try it:  \(program("uploaderd")) --file ~/notes.jsonl")
        }
        lines.append("Try       \(program("uploaderctl")) status    (or sessions, replay SID, help)")
        lines.append("Ctrl-C seals what is open and stops.")
        return lines.map { TerminalText.escaped($0) + "\n" }.joined()
    }

    /// What has to be typed: the name where the shell finds it, else the path, as after `make run`.
    private static func program(_ name: String) -> String {
        guard let own = Process.programPath else { return name }
        let folder = Files.parent(of: own)
        let searched = (Machine.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return searched.contains(folder) ? name : "\(folder)/\(name)"
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
