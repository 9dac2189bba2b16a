import Digests
import Shared

/// Signed requests to one bucket. A wrong clock is corrected, and keys that have changed are taken up, before anybody hears
/// of it.
final class S3Connection: Sendable {
    let address: S3Address
    private let client: any HTTPClient
    private let ring: S3KeyRing
    private let clock: ServerClock
    private let signature: SignatureV4

    /// SHA-256 of nothing.
    static let noPayload = RunningDigest.digest(of: []).hex

    init(_ place: BucketPlace, client: any HTTPClient, keys: any S3KeySource, time: any TimeSource) {
        address = S3Address(place)
        self.client = client
        ring = S3KeyRing(keys, time: time)
        clock = ServerClock(time: time)
        signature = SignatureV4(region: place.region)
    }

    struct Request: Sendable {
        var method: HTTPMethod
        /// `nil`: the bucket.
        var key: ObjectKey?
        var query: [(String, String)] = []
        var headers = HTTPHeaders()
        var body: HTTPRequest.Body = .none
        /// SHA-256 of the body.
        var payload = S3Connection.noPayload
        /// After "could not".
        var purpose: String
        var longestAnswer = HTTPRequest.usualAnswer
        /// The key may not be allowed to do this, and good for everything else all the same.
        var mayBeDenied = false
    }

    /// By the server's clock.
    var now: WallTime { clock.now }

    /// - Returns: an answer of success, or what the server said instead, with the error that it is where nobody knows better.
    /// - Throws: when there was no answer.
    func send(_ request: Request) async throws(DeliveryError) -> Result<HTTPResponse, S3Connection.Refused> {
        var keys = try await ring.keys()
        var (isCorrected, isAnew) = (false, false)
        while true {
            let answer = try await client.send(signed(request, keys))
            clock.note(answer)
            if answer.isSuccess {
                ring.taken()
                return .success(answer)
            }
            let refusal = try S3Refusal(answer)
            // A HEAD has no body to say why.
            let mayBeSkew = refusal.isSkew || (request.method == .head && answer.status == 403)
            if mayBeSkew, !isCorrected, clock.correct(by: answer, told: refusal.serverTime) {
                isCorrected = true
                continue
            }
            let error = refusal.error(request.purpose, at: address, clockError: clock.error)
            let isDenied = request.mayBeDenied && refusal.code == "AccessDenied"
            guard error.code == .authentication, !isDenied else {
                ring.taken()
                return .failure(Refused(refusal: refusal, error: error))
            }
            let other = try await ring.refused(keys)
            guard let other, !isAnew else { throw error }
            keys = other
            isAnew = true
        }
    }

    /// What was answered instead of success.
    struct Refused: Error, Sendable {
        var refusal: S3Refusal
        var error: DeliveryError
    }

    private func signed(_ request: Request, _ keys: S3Keys) -> HTTPRequest {
        let now = clock.now
        var headers = request.headers
        headers["X-Amz-Date"] = SignatureV4.stamp(now)
        headers["X-Amz-Content-Sha256"] = request.payload
        if let token = keys.token { headers["X-Amz-Security-Token"] = token }
        headers["Authorization"] = signature.authorization(
            request.method.rawValue, path: address.path(request.key), query: request.query,
            headers: [("Host", address.host)] + headers.all, payload: request.payload, keys: keys, at: now)
        return HTTPRequest(
            request.method, address.url(request.key, request.query), headers: headers, body: request.body,
            purpose: request.purpose, longestAnswer: request.longestAnswer)
    }
}

extension Result where Failure == S3Connection.Refused {
    /// The answer, where every refusal is an error.
    func answer() throws(DeliveryError) -> Success {
        switch self {
        case .success(let answer): return answer
        case .failure(let refused): throw refused.error
        }
    }
}
