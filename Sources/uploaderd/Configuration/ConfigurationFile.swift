import LinuxSystem
import Shared

/// Reads what the command line and the configuration name: the file itself, and files of credentials. Blocks.
enum ConfigurationFile {
    /// Far more than anybody writes.
    private static let longest = 1 << 20

    /// - Returns: `nil` when there is no such file.
    static func contents(_ path: String) throws(ConfigurationProblem) -> [UInt8]? {
        let reason: String
        do throws(SystemError) {
            guard let status = try Files.status(path, followLinks: true) else { return nil }
            // Asked before it is opened: a FIFO would block.
            if status.kind == .regular { return try Files.readAll(path, limit: longest) }
            reason = "it is not a regular file"
        } catch {
            reason = error.reason
        }
        throw ConfigurationProblem(
            .file(path: path, line: 0), key: "", "cannot read the configuration: \(reason)",
            hint: "make it a regular file of TOML, at most 1 MiB long, that this user can read")
    }

    /// What is wrong with a file of credentials. Nothing of its contents is ever said.
    ///
    /// - Parameter guarded: the service manager made it; its mode is the manager's business.
    static func credentialsRefusal(_ path: String, guarded: Bool, of type: DestinationType) -> Refusal? {
        refusal(path, guarded: guarded, expected: type.credentialForm) { bytes in
            let count = lines(bytes).count
            return count == type.credentialLines || (count == 3 && type.credentialLines == 2)
        }
    }

    /// The same for an identity of age.
    static func identityRefusal(_ path: String, guarded: Bool) -> Refusal? {
        refusal(
            path, guarded: guarded,
            expected: "identities as age-keygen makes them, lines AGE-SECRET-KEY-1…, with no passphrase"
        ) { AgeIdentityText.secrets(in: $0) != nil }
    }

    private static func refusal(
        _ path: String, guarded: Bool, expected: String, holds: ([UInt8]) -> Bool
    ) -> Refusal? {
        do throws(SystemError) {
            guard let status = try Files.status(path, followLinks: true) else {
                return Refusal(
                    message: "there is no file \(path)",
                    hint: guarded ? "add LoadCredential= to the unit" : "make it, with mode 0600: \(expected)")
            }
            guard status.kind == .regular else {
                return Refusal(
                    message: "\(path) is not a regular file", hint: "make it one, with mode 0600: \(expected)")
            }
            guard guarded || status.mode & 0o077 == 0 else {
                return Refusal(
                    message: "others may read \(path): its mode is 0\(String(status.mode, radix: 8))",
                    hint: "chmod 600 \(path)")
            }
            let bytes = try Files.readAll(path, limit: 64 << 10)
            guard holds(bytes) else {
                return Refusal(message: "\(path) does not hold what it should", hint: "write \(expected)")
            }
            return nil
        } catch {
            return Refusal(
                message: "cannot read \(path): \(error.reason)", hint: "let this user read it, and nobody else")
        }
    }

    /// The lines that are not empty, without white space at their ends.
    private static func lines(_ bytes: [UInt8]) -> [String] {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map { String($0).trimmed }
            .filter { !$0.isEmpty }
    }
}
