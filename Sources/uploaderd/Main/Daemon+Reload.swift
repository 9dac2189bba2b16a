import Configuration
import ControlPlane
import Engine
import Glibc
import LinuxSystem
import Shared
import Synchronization

/// How one engine takes the place of another: when the configuration is read again, and when the catalog is damaged.
extension Daemon {
    nonisolated func shown() -> ConfigurationReply { shownConfiguration.withLock { $0 } }

    static func reply(_ loaded: LoadedConfiguration) -> ConfigurationReply {
        ConfigurationReply(
            file: loaded.file,
            settings: loaded.entries.map {
                ConfigurationReply.Setting(key: $0.key, value: $0.value, origin: $0.origin.description)
            })
    }

    func reloadBySignal() async {
        do throws(ControlError) { _ = try await reload() } catch {}  // said where it is refused
    }

    /// Reads the configuration again. When all of it is right, the engine is drained and another takes its place, on the
    /// same state and behind the same socket; else nothing changes.
    func reload() async throws(ControlError) -> ReloadReply {
        guard !isReplacing else {
            throw ControlError(.busy, "the engine is just being replaced", hint: "try again in a moment")
        }
        isReplacing = true
        defer {
            isReplacing = false
            // A signal may have asked for another one meanwhile.
            bell.ring()
        }
        guard case .loaded(let next) = ConfigurationLoad.read(input) else {
            guard case .refused(let problems) = ConfigurationLoad.read(input) else {
                throw ControlError(.busy, "the configuration changed while it was read", hint: "reload again")
            }
            parts.log.record(
                Event(
                    .reloadRefused,
                    "the configuration was refused, the old one stays in force: "
                        + problems.map(\.description).joined(separator: "; "), hint: "uploaderctl config check"))
            throw ControlError(
                .invalidConfiguration, "the configuration has problems, so the old one stays in force",
                hint: "mend them, and reload again", problems: problems.map(ProblemMessage.init))
        }
        if let key = Self.fixed(loaded.configuration, next.configuration) {
            let message = "\(key) cannot change while uploaderd runs, so the old configuration stays in force, whole"
            let hint = "systemctl --user restart uploaderd; uploaderd.socket too, where it makes the socket"
            parts.log.record(Event(.reloadRefused, message, hint: hint))
            throw ControlError(.invalidConfiguration, message, hint: hint)
        }
        let before = Dictionary(loaded.entries.map { ($0.key, $0.value) }) { first, _ in first }
        let after = Dictionary(next.entries.map { ($0.key, $0.value) }) { first, _ in first }
        let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
        parts.manager.reloading()
        defer { parts.manager.ready(status: StatusLine.text(board.snapshot())) }
        if next.configuration != loaded.configuration { try await replaceEngine(next) }
        loaded = next
        parts.log.keep(next.configuration.log.level)
        shownConfiguration.withLock { $0 = Self.reply(next) }
        parts.log.record(
            Event(
                .reloaded,
                changed.isEmpty ? "reloaded; nothing has changed" : "reloaded: \(changed.joined(separator: ", "))"))
        return ReloadReply(file: next.file, changed: changed)
    }

    /// The key of what the process has made of the old configuration and keeps; `nil`: none of it changes.
    private static func fixed(_ old: UploaderConfiguration, _ new: UploaderConfiguration) -> String? {
        if old.control != new.control { return "control.socket" }
        if old.host != new.host { return "host.label" }
        return nil
    }

    private func replaceEngine(_ next: LoadedConfiguration) async throws(ControlError) {
        desk?.hold()
        await engine?.stop(deadline: nil)
        board.reset()
        do {
            try await adopt(again(next.configuration))
        } catch {
            let failure = StartFailure(error)
            do {
                try await adopt(again(loaded.configuration))
            } catch {
                // Neither starts: the disk, most likely. systemd tries again.
                parts.log.record(Event(.persistenceFailed, "could not start again after a reload: \(error)"))
                isStopping = true
                desk?.release()
                bell.ring()
            }
            throw ControlError(
                .invalidConfiguration,
                "the new configuration could not be started, the old one stays in force: "
                    + failure.message, hint: failure.hint)
        }
    }

    private func again(_ configuration: UploaderConfiguration) async throws -> Engine {
        try await start(configuration, on: try await heldState())
    }

    private func adopt(_ engine: Engine) {
        self.engine = engine
        desk?.serve(engine.parts)
    }

    // MARK: A damaged catalog

    /// More often it would only hide a disk that fails, or a mistake of ours.
    private static let betweenNewStates = Duration.seconds(600)

    /// The state is opened anew, which sets the damaged catalog aside and rebuilds it.
    func takeNewState() async {
        let now = parts.world.time.now
        if let last = stateMadeAnew, now < last + Self.betweenNewStates {
            board.report(
                "catalog_damaged", "state", "the catalog was damaged again within ten minutes of being rebuilt",
                hint: "look for errors of its disk (journalctl -k -p err), then systemctl --user restart uploaderd")
            return
        }
        stateMadeAnew = now
        isReplacing = true
        defer {
            isReplacing = false
            bell.ring()
        }
        do throws(ControlError) { try await replaceEngine(loaded) } catch {}  // said where it fails
    }
}
