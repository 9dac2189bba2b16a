import LinuxSystem
package import Shared

/// The keys of a profile, as the tools of AWS have them: `[name]` in ~/.aws/credentials, or `[profile name]` in ~/.aws/config.
///
///     [work]
///     aws_access_key_id = AKIA…
///     aws_secret_access_key = …
///     aws_session_token = …
///
/// Valid: the first file that has an id and a secret in that section. It is this user's alone.
package struct S3ProfileKeys: S3KeySource {
    private let name: String
    private let files: [String]
    private let lane: any RoomExecutor

    /// - Parameter lane: where the files are read.
    package init(_ name: String, in files: [String], lane: any RoomExecutor) {
        self.name = name
        self.files = files
        self.lane = lane
    }

    package func keys() async throws(DeliveryError) -> S3Keys {
        try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in try await read() }
    }

    @concurrent
    private func read() async throws(DeliveryError) -> S3Keys {
        for file in files where ((try? Files.status(file, followLinks: true)) ?? nil) != nil {
            var bytes = try SecretFile.bytes(file, isGuarded: true)
            defer { SecretBytes.wipe(&bytes) }
            guard let keys = Self.keys(of: name, in: bytes) else { continue }
            // Only of the one that holds a secret.
            var same = try SecretFile.bytes(file, isGuarded: false)
            SecretBytes.wipe(&same)
            return keys
        }
        throw DeliveryError(
            .authentication, "there are no keys of profile \(name) in \(files.joined(separator: " or "))",
            hint: "write aws_access_key_id and aws_secret_access_key below [\(name)] in the first of them",
            retryAfter: DeliveryError.pause)
    }

    /// - Returns: `nil` when the section, or one of both keys in it, is not there.
    static func keys(of name: String, in bytes: [UInt8]) -> S3Keys? {
        var isOurs = false
        var values: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            let text = words.joined(separator: " ")
            if text.hasPrefix("#") || text.hasPrefix(";") { continue }
            if text.hasPrefix("["), text.hasSuffix("]") {
                let section = text.dropFirst().dropLast().split(separator: " ").joined(separator: " ")
                isOurs = section == name || section == "profile \(name)"
            } else if isOurs, let sign = text.firstIndex(of: "=") {
                let key = text[..<sign].split(separator: " ").joined()
                values[key] = text[text.index(after: sign)...].split(separator: " ").joined()
            }
        }
        guard let id = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else { return nil }
        return S3Keys(id: id, secret: Array(secret.utf8), token: values["aws_session_token"])
    }
}
