import Configuration
import Engine
import LinuxSystem
import Shared
import Synchronization

/// `--dry-run`: says what would be taken and where it would go, and what speaks against that; changes nothing.
enum DryRun {
    static func run(_ loaded: LoadedConfiguration) -> Int32 {
        let log = JournalLog(least: .error)
        do {
            try OwnDirectories(directories: loaded.directories, log: log).requireOurs()
            let parts = try ProcessParts(loaded, log: log)
            let result = Mutex<Result<(Survey, DestinationSurvey), any Error>?>(nil)
            parts.loop.start {
                let found: Result<(Survey, DestinationSurvey), any Error>
                do {
                    let sources = try await Survey.taken(
                        loaded.configuration, directories: loaded.directories, world: parts.world,
                        watching: parts.watching)
                    let destinations = await DestinationSurvey.taken(
                        loaded.configuration.destinations, directories: loaded.directories, world: parts.world)
                    found = .success((sources, destinations))
                } catch {
                    found = .failure(error)
                }
                result.withLock { $0 = found }
                parts.loop.stop()
            }
            parts.loop.run()
            guard let (sources, destinations) = try result.withLock({ $0 })?.get() else { return ExitCode.failed }
            let isWhole =
                sources.isWhole
                && destinations.findings.count == loaded.configuration.destinations.count
                && destinations.findings.allSatisfy { $0.obstacle == nil }
            let text = (lines(of: sources) + lines(of: destinations, loaded.configuration)).joined()
            return Terminal.answer(text, isWhole ? ExitCode.done : ExitCode.partly)
        } catch {
            let failure = StartFailure(error)
            Terminal.writeError("could not look: \(TerminalText.escaped(failure.message))\n")
            return failure.exitCode
        }
    }

    private static func lines(of survey: Survey) -> [String] {
        var lines: [String] = []
        for item in survey.items {
            let name = item.stream.map(\.description) ?? "(named by its lines)"
            if item.bytes > 0 {
                lines.append("would take \(ByteCount(item.bytes))  \(item.agent.rawValue) \(name)  \(item.path)")
            }
            if let obstacle = item.obstacle { lines.append("would not take all: \(obstacle)") }
            if let hint = item.hint { lines.append("    \(hint)") }
        }
        for absence in survey.absent { lines.append("would not take all: \(absence)") }
        for entry in survey.health { lines.append("trouble: \(entry.message)") }
        if survey.kept > 0 {
            lines.append("\(survey.kept) sources of sessions that are private, excluded or forgotten")
        }
        if survey.hasRules {
            lines.append("privacy rules judge each new session when it is taken; they were not asked here")
        }
        let total = survey.items.reduce(0) { $0 + $1.bytes }
        let count = survey.items.count { $0.bytes > 0 }
        lines.append(
            "\(count) sources with \(ByteCount(total)) to take, \(survey.settled) with nothing new")
        return lines.map { TerminalText.escaped($0) + "\n" }
    }

    private static func lines(of survey: DestinationSurvey, _ configuration: UploaderConfiguration) -> [String] {
        var lines: [String] = []
        for destination in configuration.destinations {
            guard let finding = survey.findings.first(where: { $0.name == destination.name }) else {
                lines.append(
                    "would not deliver to \(destination.name): its type, \(destination.type.rawValue), is not available in this "
                        + "version")
                continue
            }
            if let obstacle = finding.obstacle {
                lines.append("would not deliver to \(finding.name), \(finding.place): \(obstacle)")
                if let hint = finding.hint { lines.append("    \(hint)") }
            } else {
                let store = finding.store == nil ? "a store would be made there" : "its store is there"
                lines.append(
                    "would deliver to \(finding.name): \(finding.place); \(store), a put was not tried")
            }
        }
        return lines.map { TerminalText.escaped($0) + "\n" }
    }
}
