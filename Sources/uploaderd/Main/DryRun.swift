import Configuration
import Engine
import LinuxSystem
import Shared
import Synchronization

/// `--dry-run`: says what would be taken and where it would go, and does nothing.
enum DryRun {
    static func run(_ loaded: LoadedConfiguration) -> Int32 {
        let log = JournalLog(least: .error)
        do {
            let parts = try ProcessParts(loaded, log: log)
            let result = Mutex<Result<Survey, any Error>?>(nil)
            parts.loop.start {
                let found: Result<Survey, any Error>
                do {
                    found = .success(
                        try await Survey.taken(
                            loaded.configuration, directories: loaded.directories, world: parts.world,
                            watching: parts.watching))
                } catch {
                    found = .failure(error)
                }
                result.withLock { $0 = found }
                parts.loop.stop()
            }
            parts.loop.run()
            guard let survey = try result.withLock({ $0 })?.get() else { return ExitCode.failed }
            Terminal.write(text(survey, loaded.configuration))
            return ExitCode.done
        } catch {
            let failure = StartFailure(error)
            Terminal.writeError("could not look: \(TerminalText.escaped(failure.message))\n")
            return failure.exitCode
        }
    }

    private static func text(_ survey: Survey, _ configuration: UploaderConfiguration) -> String {
        var lines: [String] = []
        for item in survey.items {
            let name = item.stream.map(\.description) ?? "(named by its lines)"
            lines.append("would take \(ByteCount(item.bytes))  \(item.agent.rawValue) \(name)  \(item.path)")
        }
        for entry in survey.health { lines.append("trouble: \(entry.message)") }
        let total = survey.items.reduce(0) { $0 + $1.bytes }
        lines.append(
            "\(survey.items.count) sources with \(ByteCount(total)) to take, \(survey.settled) with nothing new")
        for destination in configuration.destinations {
            let place: String
            if case .directory(let path, _) = destination.place {
                place = path
            } else {
                place = destination.type.rawValue
            }
            lines.append("would deliver to \(destination.name): \(place)")
        }
        return lines.map { TerminalText.escaped($0) + "\n" }.joined()
    }
}
