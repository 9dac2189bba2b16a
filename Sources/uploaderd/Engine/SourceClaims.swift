import Capture
import Shared
import Synchronization

/// What is read under which path now: a file that has several names, and a stream whose lines two files hold while one takes
/// the place of the other, are read under one of them at a time.
final class SourceClaims: Sendable {
    enum Subject: Hashable, Sendable {
        case file(FileIdentity)
        case stream(StreamKey)
    }

    private let holders = Mutex<[Subject: SourcePath]>([:])

    struct Claim: Sendable {
        /// Who has it, if not the caller.
        var holder: SourcePath?
        fileprivate let claims: SourceClaims
        fileprivate let subject: Subject

        /// Lets go of it; whoever did not get it has nothing to let go of.
        func end() {
            guard holder == nil else { return }
            claims.holders.withLock { _ = $0.removeValue(forKey: subject) }
        }
    }

    func claim(_ subject: Subject, for path: SourcePath) -> Claim {
        let holder = holders.withLock { holders in
            if let holder = holders[subject] { return Optional(holder) }
            holders[subject] = path
            return nil
        }
        return Claim(holder: holder, claims: self, subject: subject)
    }
}
