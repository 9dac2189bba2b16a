import Capture
import Shared
import Synchronization

/// Which file is read under which path now: one that has several names is read under one of them at a time.
final class SourceClaims: Sendable {
    private let holders = Mutex<[FileIdentity: SourcePath]>([:])

    struct Claim: Sendable {
        /// Who has the file, if not the caller.
        var holder: SourcePath?
        fileprivate let claims: SourceClaims
        fileprivate let file: FileIdentity

        /// Lets go of the file; whoever did not get it has nothing to let go of.
        func end() {
            guard holder == nil else { return }
            claims.holders.withLock { _ = $0.removeValue(forKey: file) }
        }
    }

    func claim(_ file: FileIdentity, for path: SourcePath) -> Claim {
        let holder = holders.withLock { holders in
            if let holder = holders[file] { return Optional(holder) }
            holders[file] = path
            return nil
        }
        return Claim(holder: holder, claims: self, file: file)
    }
}
