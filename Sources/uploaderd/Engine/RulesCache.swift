import Digests
import LinuxSystem
package import Redaction
package import Shared

/// The compiled redaction rules between two lives, in the cache directory: compiling takes a second, reading a millisecond.
///
/// The file `rules`, mode 0600:
///
///     bytes   0–7    "UPRULES1"
///             8–39   SHA-256 of the cache key: the digest of the rules, and the library's version
///            40–71   SHA-256 of the rest
///            72–     the compiled rules
///
/// Valid: a regular file of this user's that nobody else may read or write, and magic and both digests are right. Anything else is
/// as good as no file: what is in it decides what is taken for a secret, so nobody else may have a hand in it.
package struct RulesCache: Sendable {
    private let path: String
    private let log: any EventLog

    private static let magic = Array("UPRULES1".utf8)
    private static let headLength = 72

    /// - Parameter directory: made when it is not there.
    package init(directory: String, log: any EventLog) {
        path = "\(directory)/rules"
        self.log = log
    }

    /// The rules ready for use, from the cache where they are there. Blocks; a second when they are not.
    package func rules(_ set: RuleSet) throws(RedactionError) -> RedactionRules {
        guard !set.isNone else { return .none }
        let key = Self.digest(Array(RedactionRules.cacheKey(of: set).utf8))
        let rules = try RedactionRules(set, compiled: kept(under: key))
        if let compiled = try rules.compiled() { keep(compiled, under: key) }
        return rules
    }

    private func kept(under key: [UInt8]) -> [UInt8]? {
        do throws(SystemError) {
            let file = try Descriptor.open(path, [.readOnly, .noFollow, .nonBlocking])
            let status = try file.status()
            guard status.kind == .regular, status.owner == Process.user, status.mode == 0o600,
                status.size > Self.headLength, status.size < 64 << 20
            else { return nil }
            var bytes = [UInt8](repeating: 0, count: Int(status.size))
            let count = try bytes.withMutableBytes { (buffer) throws(SystemError) in
                try file.readFully(into: buffer, at: 0)
            }
            let rest = Array(bytes[Self.headLength...])
            guard count == bytes.count, bytes.starts(with: Self.magic + key + Self.digest(rest)) else { return nil }
            return rest
        } catch {
            return nil  // safe: they are compiled
        }
    }

    private func keep(_ compiled: [UInt8], under key: [UInt8]) {
        do throws(SystemError) {
            try Files.makeDirectories(Files.parent(of: path))
            try Files.writeDurably(Self.magic + key + Self.digest(compiled) + compiled, to: path)
        } catch {
            // Safe: the next start compiles them again.
            log.record(Event(.debug, "the compiled redaction rules could not be kept: \(error)"))
        }
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] { RunningDigest.digest(of: bytes).bytes }
}
