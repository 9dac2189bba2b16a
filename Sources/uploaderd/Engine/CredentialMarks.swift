import LinuxSystem
import Shared

/// What tells that somebody has written other credentials: which files they are in, as they lie on the disk.
///
/// Looked at only while a destination is held for them. Not inotify: a file that a service manager or a provisioning tool
/// replaces lies behind links, in folders that come and go.
struct CredentialMarks: Sendable, Hashable {
    /// How often it is looked while somebody is expected to write them.
    static let interval: Duration = .seconds(2)

    private struct Mark: Hashable {
        var identity: FileIdentity
        var size: Int64
        var changed: Int64
    }

    private let marks: [Mark?]

    /// Blocks; on a lane of the destination's own.
    @concurrent
    static func read(_ files: [String]) async -> CredentialMarks { CredentialMarks(files) }

    private init(_ files: [String]) {
        marks = files.map { path in
            do throws(SystemError) {
                return try Files.status(path, followLinks: true).map { status in
                    Mark(identity: status.identity, size: status.size, changed: status.changed)
                }
            } catch {
                return nil  // as good as not there: whoever needs it says why
            }
        }
    }
}

extension DestinationConfiguration {
    /// The files that its credentials are read from, if they are in any.
    var credentialFiles: [String] {
        switch credentials {
        case .file(let path, _): [path]
        case .aws(.profile(_, let files)): files
        case .aws(.container(_, _, let tokenFile)): tokenFile.map { [$0] } ?? []
        case .given, .aws(.environment), .aws(.instance), nil: []
        }
    }
}
