import Shared

/// What a confab server said instead of doing what it was asked, and what that means to a destination.
///
///     HTTP/1.1 400 Bad Request
///     {"error":"first_line must be 12 (got 9) - chunks must be contiguous"}
///
/// The status says it, but for that one sentence. What has no such body comes from somebody in front of it.
struct ConfabRefusal: Error, Sendable {
    enum Meaning: Sendable, CaseIterable {
        case wrongKey
        /// No such session, or no such server.
        case absent
        case exists
        /// The lines do not follow those that are there.
        case notContiguous
        case tooLong
        case invalid
        case redirect
        case proxyRefuses
        case busy
    }

    let meaning: Meaning
    let error: DeliveryError

    /// - Parameters:
    ///   - purpose: after "could not".
    ///   - secret: is not repeated, should the answer hold it.
    init(
        _ answer: HTTPResponse, _ purpose: String, at url: String, key: BearerKey, hiding secret: SecretBytes
    ) throws(DeliveryError) {
        let body = try? JSONText.decode(JSONValue.self, from: try answer.start(64 << 10))
        let said = body?["error"]?.text
        meaning = Self.meaning(answer.status, said)
        let (code, hint) = Self.cure(meaning, url, key)
        let words = said.map { ": \(secret.line(of: $0))" } ?? ""
        let usual: Duration? = code == .unusable ? .seconds(60) : code == .authentication ? DeliveryError.pause : nil
        error = DeliveryError(
            code, "could not \(purpose) at \(url): \(answer.status)\(words)", hint: hint,
            retryAfter: answer.retryAfter ?? usual, isPushback: answer.isPushback)
    }

    static func meaning(_ status: Int, _ said: String?) -> Meaning {
        switch status {
        case 300..<400: .redirect
        case 401, 403: .wrongKey
        case 404, 410: .absent
        case 407: .proxyRefuses
        case 408, 425, 429: .busy
        case 409: .exists
        case 413: .tooLong
        case 400 where said?.hasPrefix("first_line must be") == true: .notContiguous
        case 400..<500: .invalid
        default: .busy
        }
    }

    private static func cure(_ meaning: Meaning, _ url: String, _ key: BearerKey) -> (DeliveryError.Code, String?) {
        switch meaning {
        case .wrongKey:
            (
                .authentication,
                "the key in \(key.place) is not taken: write one of this server's there (cfb_…); it is taken up by itself"
            )
        case .absent: (.transient, "the session may have been deleted there; it is asked for anew")
        case .exists: (.conflict, nil)
        case .notContiguous: (.transient, nil)
        case .tooLong: (.permanent, "let the server, and a proxy in front of it, take bodies of 16 MB")
        case .invalid: (.permanent, "this server does not take what uploaderd sends: is it an old one?")
        case .redirect:
            (
                .unusable,
                "the server sends us elsewhere, where nobody follows it: write the address that it means as url"
            )
        case .proxyRefuses: (.unusable, "the proxy wants a name and a password: check proxy")
        case .busy: (.transient, nil)
        }
    }
}
