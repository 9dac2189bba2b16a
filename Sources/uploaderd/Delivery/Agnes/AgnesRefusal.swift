import Shared

/// What an agnes server said instead of taking a file, and what that means to a destination. Only 200 is a yes.
struct AgnesRefusal: Error, Sendable {
    enum Meaning: Sendable, CaseIterable {
        case wrongKey
        /// No agnes server lives there.
        case absent
        case tooLong
        /// It cannot unpack what it was sent.
        case invalidGzip
        case invalid
        case elsewhere
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
        let said = String(decoding: try answer.start(4 << 10), as: UTF8.self)
        meaning = Self.meaning(answer.status, said)
        let (code, hint) = Self.cure(meaning, url, key)
        let words = said.isEmpty ? "" : ": \(secret.line(of: said))"
        let usual: Duration? = code == .unusable || code == .authentication ? DeliveryError.pause : nil
        error = DeliveryError(
            code, "could not \(purpose) at \(url): \(answer.status)\(words)", hint: hint,
            retryAfter: answer.retryAfter ?? usual)
    }

    static func meaning(_ status: Int, _ said: String) -> Meaning {
        switch status {
        case 401, 403: .wrongKey
        case 404, 405, 410: .absent
        case 408, 425, 429: .busy
        case 413: .tooLong
        case 400 where said.contains("invalid_gzip"): .invalidGzip
        // What its own client takes for an answer that it does not know, and sends again.
        case 200..<400, 407: .elsewhere
        case 400..<500: .invalid
        default: .busy
        }
    }

    private static func cure(_ meaning: Meaning, _ url: String, _ key: BearerKey) -> (DeliveryError.Code, String?) {
        switch meaning {
        case .wrongKey:
            (
                .authentication,
                "the token in \(key.place) is not taken, or has expired: write a new one of this server's there; it is "
                    + "taken up by itself"
            )
        case .absent: (.unusable, "is \(url) the address of an agnes server, with nothing behind its host but a port?")
        case .tooLong:
            (
                .permanent,
                "agnes takes files of up to 50 MB: what is longer stays with the other destinations, and this one is said to "
                    + "be behind"
            )
        case .invalidGzip: (.permanent, nil)
        case .invalid: (.permanent, "this server does not take what uploaderd sends: is it an old one?")
        case .elsewhere:
            (
                .unusable,
                "nobody of agnes's has answered: is \(url) the address that the server itself has, and the proxy right?"
            )
        case .busy: (.transient, nil)
        }
    }
}
