import Capture
import Shared
import Store

/// What is wrong with a source, said once, and taken back when it is over.
extension SessionSupervisor {
    /// The source or its cursor changed under the pipeline.
    static func isOvertaken(_ error: any Error) -> Bool {
        switch error {
        case let error as StoreError: error.code == .stale
        case let error as EngineError: error.code == .sourceChanged
        default: false
        }
    }

    /// Why a source could not be taken to its end.
    static func sentence(_ path: SourcePath, _ error: any Error) -> String {
        switch error {
        case let error as CaptureError: error.description
        default: "\(path) could not be taken: \(error)"
        }
    }

    /// A last line whose end may still come is left where it is.
    static func endlessSentence(_ path: SourcePath, _ bytes: Int64) -> String {
        "\(path) ends in a line without its end, \(bytes) bytes long, which is not taken yet"
    }

    func report(_ path: SourcePath, _ error: any Error) {
        if Self.isOvertaken(error) { return }
        switch error {
        case let error as CaptureError:
            let kind = error.code == .refused ? "source_refused" : "source_unreadable"
            say(
                error.code == .refused ? .sourceRefused : .sourceUnreadable, kind, path.absolute, error.description,
                hint: error.hint)
        case let error as StoreError where error.code == .unresolved: break  // said already
        case let error as EngineError where error.code == .undecided: break  // it is when nothing more comes
        case let error as StoreError:
            say(.persistenceFailed, "persistence_failed", "state", error.description, hint: error.hint)
        default:
            say(.sealFailed, "source_failed", path.absolute, Self.sentence(path, error))
        }
    }

    /// To health, and to the log unless that has said so of the same subject already.
    private func say(_ event: EventKind, _ kind: String, _ subject: String, _ message: String, hint: String? = nil) {
        guard context.board.report(kind, subject, message, hint: hint) else { return }
        world.log.record(Event(event, message, hint: hint))
    }

    func clearHealth(of path: SourcePath) {
        for kind in ["source_unreadable", "source_refused", "source_failed", StreamPipeline.endlessKind] {
            context.board.clear(kind, path.absolute)
        }
        context.board.clear("persistence_failed", "state")
    }
}
