import Shared

/// What an S3 server said instead of doing what it was asked: its code, and what that means to a destination.
struct S3Refusal: Sendable {
    let status: Int
    /// `NoSuchKey` and its like; `nil`: there was no such body.
    let code: String?
    private let message: String?
    private let region: String?
    /// Of the server's clock, when it refused ours.
    let serverTime: WallTime?
    private let retryAfter: Duration?
    private let isPushback: Bool
    private let location: String?

    init(_ answer: HTTPResponse) throws(DeliveryError) {
        status = answer.status
        let document = XMLElement.document(try answer.start())
        let error = document?.name == "Error" ? document : document?.all("Error").first
        code = error?["Code"]
        message = error?["Message"]
        region = error?["Region"] ?? answer.headers["x-amz-bucket-region"]
        serverTime = error?["ServerTime"].flatMap { RFC3339.parse($0) }
        retryAfter = answer.retryAfter
        isPushback = answer.isPushback || code.map { Self.tooMuch.contains($0) } ?? false
        location = answer.headers["Location"]
    }

    var isSkew: Bool { code == "RequestTimeTooSkewed" || code == "RequestInTheFuture" }
    /// The body was not the one that was signed, or not the one of the checksum.
    var isBadDigest: Bool {
        ["BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "InvalidDigest"].contains(code)
    }
    /// A condition is more than this server can do.
    var isUnknownCondition: Bool { status == 501 || code == "NotImplemented" }
    var isMissingBucket: Bool { code == "NoSuchBucket" }
    /// The server knows nothing of an upload in parts, or not any more.
    var isMissingUpload: Bool { code == "NoSuchUpload" || (status == 404 && !isMissingBucket) }
    /// Whatever the status: some say so with 400.
    private static let tooMuch: Set = [
        "SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests",
    ]

    /// The refusal as an error of the destination.
    ///
    /// - Parameters:
    ///   - purpose: after "could not".
    ///   - clockError: how far this machine's clock is wrong by the server's.
    func error(_ purpose: String, at place: S3Address, clockError: Duration?) -> DeliveryError {
        let said = [code, message.map(Self.plain)].compactMap(\.self).joined(separator: ": ")
        let text = "could not \(purpose) in \(place): \(status)\(said.isEmpty ? "" : " \(said)")"
        let (kind, hint) = meaning(place, clockError)
        let usual: Duration? =
            switch kind {
            case .authentication: DeliveryError.pause
            case .unusable: .seconds(60)
            case .transient, .permanent, .unacceptable, .conflict, .notFound, .damaged: nil
            }
        return DeliveryError(kind, text, hint: hint, retryAfter: retryAfter ?? usual, isPushback: isPushback)
    }

    private func meaning(_ place: S3Address, _ clockError: Duration?) -> (DeliveryError.Code, String?) {
        switch code {
        case "NoSuchBucket":
            return (.unusable, "make the bucket \(place.bucket), or name another one")
        case "SignatureDoesNotMatch":
            return (
                .authentication,
                "the secret is not the one of this key's id, or something between here and the server changes requests"
            )
        case "InvalidAccessKeyId", "InvalidToken", "NotSignedUp", "InvalidSecurity":
            return (.authentication, "the server does not know the key's id: check the credentials")
        case "ExpiredToken", "TokenRefreshRequired", "RequestExpired":
            return (
                .authentication, "the session token has expired: write new credentials, they are taken up by themselves"
            )
        case "AccessDenied", "AllAccessDisabled", "AccountProblem", "UnauthorizedAccess":
            return (
                .authentication,
                "let the key list the bucket \(place.bucket), and read, write and delete below \(place.prefixName)"
            )
        case "RequestTimeTooSkewed", "RequestInTheFuture":
            let minutes = clockError.map { " by \(abs(Int($0.inSeconds / 60))) minutes" } ?? ""
            return (.transient, "this machine's clock is wrong\(minutes): set it")
        case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException",
            "AuthorizationQueryParametersError":
            return (.unusable, region.map { "write region = \"\($0)\"" } ?? "check region and endpoint")
        case "RequestTimeout", "SlowDown", "ServiceUnavailable", "InternalError", "ConditionalRequestConflict",
            "OperationAborted", "IncompleteBody", "Throttling", "ThrottlingException", "RequestLimitExceeded",
            "TooManyRequests":
            return (.transient, nil)
        case "QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity", "ServiceQuotaExceededException":
            return (.transient, "the server has no room for this user: make some, or let it have more")
        case "PreconditionFailed": return (.conflict, nil)
        case "EntityTooLarge": return (.unacceptable, "let the server take objects of this size")
        case "InvalidKey", "KeyTooLong", "KeyTooLongError", "XMinioInvalidObjectName":
            return (.unacceptable, "the server takes no such name: check the destination's prefix")
        case "NoSuchKey", "NoSuchVersion": return (.notFound, nil)
        default: break
        }
        if isBadDigest {
            return (.transient, "what arrived is not what was sent: something between here and the server changes it")
        }
        switch status {
        // An error in the body of an answer that had begun before it was known.
        case 200..<300: return (.transient, nil)
        case 300..<400:
            let target = location.map { " to \($0.prefix(200))" } ?? ""
            return (
                .unusable,
                region.map { "write region = \"\($0)\"" }
                    ?? "the server sends us elsewhere\(Self.plain(target)), where nobody follows it: check endpoint and region"
            )
        case 401, 403, 407:
            return (.authentication, "check the credentials, what the key may do, and this machine's clock")
        case 404: return (.notFound, nil)
        case 408, 409, 425, 429: return (.transient, nil)
        case 413, 414, 415: return (.unacceptable, "let the server, and a proxy in front of it, take such an object")
        case 405, 501: return (.unusable, "is \(place.endpoint) the address of an S3 server, and path_style right?")
        case 507: return (.transient, "the server has no room: make some")
        case 500...: return (.transient, nil)
        default: return (.permanent, nil)
        }
    }

    /// Words of the far end, for a line of a log.
    private static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }.prefix(300)))
    }
}
