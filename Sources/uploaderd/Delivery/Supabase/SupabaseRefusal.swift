import Shared

/// What Supabase Storage said instead of doing what it was asked, and what that means to a destination.
///
/// The status of its answer says little: it is 400 for almost everything, 500 for what the server itself calls 500, and only
/// of an overload what it says (429, 544). What counts stands in the body:
///
///     HTTP/1.1 400 Bad Request
///     {"statusCode":"409","code":"KeyAlreadyExists","error":"Duplicate","message":"The resource already exists"}
///
/// `statusCode` is a string; it was 0 for what a schema refuses. Servers before 2024 have no `code`, and name a few things in
/// `error`. Their documents disagree with them about statuses. So: `code` first, else `error`, else `statusCode`, else the
/// status. An answer that is not of this form comes from somebody in front of Storage.
struct SupabaseRefusal: Error, Sendable {
    enum Meaning: Sendable, CaseIterable {
        /// The object is not there, or the key may not see it.
        case absent
        case noBucket
        /// Something has that name already.
        case exists
        /// A range that begins behind the object's end.
        case behindTheEnd
        case wrongKey
        /// A policy refuses it.
        case forbidden
        case tooLong
        case wrongType
        case wrongName
        case invalid
        case misconfigured
        case notStorage
        case redirect
        case unpaid
        case paused
        case proxyRefuses
        case busy
    }

    let meaning: Meaning
    /// Of the answer, not of its body.
    let status: Int
    let error: DeliveryError

    /// - Parameters:
    ///   - purpose: after "could not".
    ///   - secret: is not repeated, should the answer hold it.
    init(
        _ answer: HTTPResponse, _ purpose: String, at place: SupabasePlace, key: BearerKey, hiding secret: SecretBytes
    ) throws(DeliveryError) {
        let bytes = try answer.start(64 << 10)
        // What is no JSON is no body of Storage's, and says nothing that is understood.
        let body = try? JSONText.decode(JSONValue.self, from: bytes)
        let meaning = Self.meaning(body, answer.status)
        self.meaning = meaning
        status = answer.status
        let said = [body?["message"]?.text, body?["code"]?.text ?? body?["error"]?.text].compactMap(\.self)
            .map { secret.line(of: $0) }.joined(separator: ", ")
        let (code, hint) = Self.cure(meaning, place, key)
        let usual: Duration? =
            switch code {
            case .authentication: DeliveryError.pause
            case .unusable: .seconds(60)
            case .transient, .permanent, .unacceptable, .conflict, .notFound, .damaged: nil
            }
        error = DeliveryError(
            code, "could not \(purpose) in \(place): \(answer.status)\(said.isEmpty ? "" : " \(said)")", hint: hint,
            retryAfter: answer.retryAfter ?? usual, isPushback: answer.isPushback)
    }

    // MARK: What it means

    static func meaning(_ body: JSONValue?, _ status: Int) -> Meaning {
        if let code = body?["code"]?.text, let meaning = meaning(ofCode: code) { return meaning }
        if let error = body?["error"]?.text, let meaning = meaning(ofError: error) { return meaning }
        let logical = body?["statusCode"].flatMap { $0.text.flatMap { Int($0) } ?? $0.int.flatMap { Int(exactly: $0) } }
        if let logical, logical != 0 { return meaning(ofStatus: logical, isOfStorage: true) }
        return meaning(ofStatus: status, isOfStorage: logical != nil || body?["code"]?.text != nil)
    }

    /// - Returns: `nil` for a code that says less than its status.
    private static func meaning(ofCode code: String) -> Meaning? {
        switch code {
        case "NoSuchKey": .absent
        case "NoSuchBucket": .noBucket
        case "KeyAlreadyExists", "ResourceAlreadyExists": .exists
        case "InvalidRange": .behindTheEnd
        case "InvalidJWT", "InvalidSignature", "ExpiredToken", "SignatureDoesNotMatch", "InvalidAccessKeyId":
            .wrongKey
        case "AccessDenied": .forbidden
        case "EntityTooLarge": .tooLong
        case "InvalidMimeType": .wrongType
        case "InvalidKey": .wrongName
        case "InvalidBucketName", "TenantNotFound", "FeatureNotEnabled", "NotSupported": .misconfigured
        case "SlowDown", "DatabaseTimeout", "DatabaseConnectionLimit", "DatabaseReadOnly", "DatabaseError",
            "DatabaseSchemaMismatch", "DatabaseInvalidObjectDefinition", "InternalError", "LockTimeout",
            "ResourceLocked", "TransactionError", "Aborted", "AbortedTerminate", "NoAvailableShard":
            .busy
        default: nil
        }
    }

    private static func meaning(ofError error: String) -> Meaning? {
        switch error {
        case "not_found", "Not found", "Object not found": .absent
        case "Bucket not found": .noBucket
        case "Duplicate": .exists
        case "Unauthorized": .forbidden
        case "invalid_mime_type": .wrongType
        case "Payload too large": .tooLong
        case "acquiring_lock_timeout", "too_many_connections": .busy
        default: nil
        }
    }

    /// - Parameter isOfStorage: the answer has Storage's form; else somebody in front of it says so, who knows of no objects.
    private static func meaning(ofStatus status: Int, isOfStorage: Bool) -> Meaning {
        switch status {
        case 300..<400: .redirect
        case 401: .wrongKey
        case 402: .unpaid
        case 403: .forbidden
        case 404: isOfStorage ? .absent : .notStorage
        case 407: .proxyRefuses
        case 408, 409, 423, 425, 429: .busy
        case 413: .tooLong
        case 415: .wrongType
        case 416: .behindTheEnd
        case 400..<500: isOfStorage ? .invalid : .notStorage
        // What the platform says of a project that was not used for a week.
        case 540: .paused
        case 500...: .busy
        default: .notStorage
        }
    }

    // MARK: What to do

    private static func cure(
        _ meaning: Meaning, _ place: SupabasePlace, _ key: BearerKey
    ) -> (DeliveryError.Code, String?) {
        let bucket = place.bucket
        return switch meaning {
        case .absent: (.notFound, nil)
        case .noBucket:
            (
                .unusable,
                "make the bucket \(bucket) in the project (Storage, New bucket; it need not be public), or name another one as bucket; a key that is not the service key does not see it without a policy"
            )
        case .exists: (.conflict, nil)
        case .behindTheEnd: (.transient, nil)
        case .wrongKey:
            (
                .authentication,
                "the key in \(key.place) is not one of this project's, or no longer: write its service_role or secret key there (Project settings, API keys); it is taken up by itself"
            )
        case .forbidden:
            (
                .authentication,
                "row-level security refuses it to this key: write the project's service_role or secret key in \(key.place), or let policies on storage.objects allow select, insert, update and delete in the bucket \(bucket)"
            )
        case .tooLong:
            (
                .unacceptable,
                "raise the file size limit of the project and of the bucket \(bucket) (Storage, Settings), and of a proxy in front of it; then uploaderctl quarantine retry"
            )
        case .wrongType:
            (.unusable, "let the bucket \(bucket) take any MIME type: its list of allowed ones keeps sessions out")
        case .wrongName: (.unacceptable, "the server takes no such name: check the destination's prefix")
        case .invalid: (.permanent, "this server does not take what uploaderd sends: is it an old one?")
        case .misconfigured: (.unusable, "check the destination's url and bucket")
        case .notStorage:
            (.unusable, "is \(place.url) the address of a Supabase project, and Storage running there?")
        case .redirect:
            (
                .unusable,
                "the server sends us elsewhere, where nobody follows it: write the address that it means as url"
            )
        case .unpaid: (.unusable, "the project is restricted: look at its usage and billing")
        case .paused: (.unusable, "the project is paused: restore it in its dashboard")
        case .proxyRefuses: (.unusable, "the proxy wants a name and a password: check proxy")
        case .busy: (.transient, nil)
        }
    }
}

extension Result where Failure == SupabaseRefusal {
    /// What was answered; a refusal as the error that it is where nobody knows better.
    func answer() throws(DeliveryError) -> Success {
        switch self {
        case .success(let answer): return answer
        case .failure(let refusal): throw refusal.error
        }
    }
}
