package import Shared

/// Keys that a service of the machine or the container hands out for an hour or so: only when the configuration names it.
///
/// "Use IMDSv2" (Amazon EC2 User Guide), "Container credential provider" (AWS SDKs Reference Guide).
package struct S3ServiceKeys: S3KeySource {
    private static let metadata = "http://169.254.169.254/latest"
    /// An answer is a few hundred bytes.
    private static let longest: Int64 = 64 << 10

    /// What both services answer.
    private struct Answer: Decodable {
        var id: String
        var secret: String
        var token: String?
        var end: String?

        enum CodingKeys: String, CodingKey {
            case id = "AccessKeyId"
            case secret = "SecretAccessKey"
            case token = "Token"
            case end = "Expiration"
        }
    }

    private let service: AWSCredentials
    private let client: (any HTTPClient)?
    private let lane: any RoomExecutor

    /// - Parameter lane: where a token's file is read.
    package init(_ service: AWSCredentials, client: (any HTTPClient)?, lane: any RoomExecutor) {
        self.service = service
        self.client = client
        self.lane = lane
    }

    package func keys() async throws(DeliveryError) -> S3Keys {
        switch service {
        case .container(let url, let token, let file): return try await containerKeys(url, token, file)
        case .instance: return try await instanceKeys()
        case .environment, .profile: throw refusal("it is no service")
        }
    }

    private func containerKeys(_ url: String, _ token: Secret?, _ file: String?) async throws(DeliveryError) -> S3Keys {
        var secret: SecretBytes?
        if let file {
            secret = try await withTaskExecutorPreference(lane) { () async throws(DeliveryError) in
                try await Self.read(file)
            }
        } else if let token {
            secret = SecretBytes(token.revealed.utf8)
        }
        return try keys(
            try await ask(
                .get, url, ["Accept": "application/json"],
                secret.map { HTTPCredential(name: "Authorization", secret: $0) }))
    }

    @concurrent
    private static func read(_ file: String) async throws(DeliveryError) -> SecretBytes {
        var bytes = try SecretFile.bytes(file, isGuarded: true)
        defer { SecretBytes.wipe(&bytes) }
        var text = bytes.filter { $0 > 0x20 && $0 < 0x7F }
        defer { SecretBytes.wipe(&text) }
        return SecretBytes(text)
    }

    private func instanceKeys() async throws(DeliveryError) -> S3Keys {
        var bytes = try await ask(.put, "\(Self.metadata)/api/token", ["X-aws-ec2-metadata-token-ttl-seconds": "300"])
        defer { SecretBytes.wipe(&bytes) }
        let token = HTTPCredential(name: "X-aws-ec2-metadata-token", secret: SecretBytes(bytes))
        let base = "\(Self.metadata)/meta-data/iam/security-credentials/"
        let roles = String(decoding: try await ask(.get, base, [:], token), as: UTF8.self)
        guard let role = roles.split(whereSeparator: \.isNewline).first else {
            throw refusal("the machine has no role")
        }
        return try keys(try await ask(.get, base + PercentEncoding.encoded(String(role)), [:], token))
    }

    private func ask(
        _ method: HTTPMethod, _ url: String, _ headers: HTTPHeaders, _ credential: HTTPCredential? = nil
    ) async throws(DeliveryError) -> [UInt8] {
        guard let client else { throw refusal("there is no network") }
        let answer = try await client.send(
            HTTPRequest(
                method, url, headers: headers, credentials: credential.map { [$0] } ?? [],
                body: method == .put ? .bytes([]) : .none, purpose: "get credentials", longestAnswer: Self.longest))
        guard answer.isSuccess else { throw refusal("it answered \(answer.status)") }
        return try answer.start()
    }

    private func keys(_ bytes: [UInt8]) throws(DeliveryError) -> S3Keys {
        do throws(JSONMismatch) {
            let answer = try JSONText.decode(Answer.self, from: bytes)
            return S3Keys(
                id: answer.id, secret: Array(answer.secret.utf8), token: answer.token,
                end: answer.end.flatMap { RFC3339.parse($0) })
        } catch {
            throw refusal("its answer has no keys in it")
        }
    }

    private func refusal(_ why: String) -> DeliveryError {
        DeliveryError(
            .authentication, "could not get credentials from \(service.text) \(why)",
            hint: "does this machine or container have a role that may use the bucket?", retryAfter: DeliveryError.pause
        )
    }
}
