import Shared

/// A bucket of a Supabase project, or of a Storage of one's own.
struct SupabasePlace: Sendable, CustomStringConvertible {
    /// As it was configured, without slashes at its end.
    let url: String
    let bucket: String
    /// `https://host/storage/v1`
    let base: String

    init(url: String, bucket: String) {
        var text = Substring(url)
        while text.hasSuffix("/") { text = text.dropLast() }
        self.url = String(text)
        self.bucket = bucket
        base = text.hasSuffix("/storage/v1") ? String(text) : "\(text)/storage/v1"
    }

    var description: String { "bucket \(bucket) at \(url)" }
}

/// Requests to one bucket, with its key. A key that has changed is taken up before anybody hears of it.
final class SupabaseConnection: Sendable {
    let place: SupabasePlace
    private let key: BearerKey
    private let client: any HTTPClient
    private let ring: KeyRing<SecretBytes>

    init(_ place: SupabasePlace, client: any HTTPClient, key: BearerKey, time: any TimeSource) {
        self.place = place
        self.client = client
        self.key = key
        ring = KeyRing(time: time) { () async throws(DeliveryError) in try await key.read() }
    }

    struct Request: Sendable {
        var method: HTTPMethod
        /// Below `/storage/v1/`. Nothing in it needs encoding: buckets, prefixes and keys are of plain letters.
        var path: String
        var headers = HTTPHeaders()
        var body: HTTPRequest.Body = .none
        /// After "could not".
        var purpose: String
        var longestAnswer = HTTPRequest.usualAnswer
    }

    /// - Returns: an answer of success, or what the server said instead.
    /// - Throws: when there was no answer, and `authentication`.
    func send(_ request: Request) async throws(DeliveryError) -> Result<HTTPResponse, SupabaseRefusal> {
        try await ring.asking { (secret) async throws(DeliveryError) -> Result<HTTPResponse, SupabaseRefusal> in
            let answer = try await client.send(addressed(request, secret))
            if answer.isSuccess { return .success(answer) }
            return .failure(try SupabaseRefusal(answer, request.purpose, at: place, key: key, hiding: secret))
        } refusal: { result in
            guard case .failure(let refusal) = result, refusal.error.code == .authentication else { return nil }
            return refusal.error
        }
    }

    /// Without the key: what may be done the request says itself.
    ///
    /// - Parameter token: is not repeated.
    func sendSigned(
        _ request: Request, hiding token: SecretBytes
    ) async throws(DeliveryError) -> Result<HTTPResponse, SupabaseRefusal> {
        var bare = addressed(request, token)
        bare.credentials = []
        let answer = try await client.send(bare)
        if answer.isSuccess { return .success(answer) }
        return .failure(try SupabaseRefusal(answer, request.purpose, at: place, key: key, hiding: token))
    }

    private func addressed(_ request: Request, _ secret: SecretBytes) -> HTTPRequest {
        HTTPRequest(
            request.method, "\(place.base)/\(request.path)", headers: request.headers,
            // The second is the gateway's; the keys that are no tokens count only there.
            credentials: [.bearer(secret), HTTPCredential(name: "apikey", secret: secret)], body: request.body,
            purpose: request.purpose, longestAnswer: request.longestAnswer)
    }
}
