import LinuxSystem
import Shared
import TestSupport
import Testing

@testable import Delivery

/// How the server's refusals are told apart. Its own table says which there are.
@Suite("A refusal of Supabase Storage")
struct SupabaseRefusalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var status: Int
        var body: String
        var code: DeliveryError.Code
        /// A word of the hint.
        var hint: String?

        init(_ status: Int, _ body: String, _ code: DeliveryError.Code, _ hint: String? = nil) {
            (self.status, self.body, self.code, self.hint) = (status, body, code, hint)
        }

        var testDescription: String { "\(status) \(body)" }
    }

    /// A body as the server writes it.
    private static func said(_ statusCode: String, _ code: String?, _ error: String, _ message: String = "m") -> String
    {
        let code = code.map { #""code":"\#($0)","# } ?? ""
        return #"{"statusCode":"\#(statusCode)",\#(code)"error":"\#(error)","message":"\#(message)"}"#
    }

    static let rows: [Row] = [
        // The code says it, whatever the statuses are: documents and server disagree about them.
        Row(400, said("404", "NoSuchBucket", "Bucket not found"), .unusable, "make the bucket sessions"),
        Row(400, said("404", "NoSuchKey", "not_found"), .notFound),
        Row(400, said("409", "KeyAlreadyExists", "Duplicate"), .conflict),
        Row(400, said("409", "ResourceAlreadyExists", "Duplicate"), .conflict),
        Row(400, said("400", "InvalidJWT", "InvalidJWT"), .authentication, "service_role"),
        Row(401, said("401", "InvalidJWT", "InvalidJWT"), .authentication, "the flag or the variable"),
        Row(400, said("403", "SignatureDoesNotMatch", "x"), .authentication, "service_role"),
        Row(400, said("400", "ExpiredToken", "x"), .authentication, "service_role"),
        Row(400, said("403", "AccessDenied", "Unauthorized"), .authentication, "row-level security"),
        Row(400, said("400", "InvalidKey", "InvalidKey"), .unacceptable, "prefix"),
        Row(400, said("413", "EntityTooLarge", "Payload too large"), .unacceptable, "file size limit"),
        Row(400, said("415", "InvalidMimeType", "invalid_mime_type"), .unusable, "MIME"),
        Row(400, said("400", "InvalidBucketName", "Invalid Input"), .unusable, "bucket"),
        Row(400, said("400", "TenantNotFound", "x"), .unusable, "url"),
        Row(429, said("429", "SlowDown", "SlowDown"), .transient),
        Row(544, said("544", "DatabaseTimeout", "DatabaseTimeout"), .transient),
        Row(504, said("504", "DatabaseTimeout", "DatabaseTimeout"), .transient),
        Row(400, said("423", "LockTimeout", "x"), .transient),
        Row(400, said("503", "LockTimeout", "acquiring_lock_timeout"), .transient),
        Row(400, said("423", "ResourceLocked", "x"), .transient),
        Row(400, said("503", "DatabaseConnectionLimit", "x"), .transient),
        Row(400, said("503", "DatabaseReadOnly", "x"), .transient),
        Row(400, said("409", "TransactionError", "x"), .transient),
        Row(500, said("500", "InternalError", "x"), .transient),
        Row(500, said("500", "DatabaseError", "x"), .transient),
        // A code that says less than the status in the body.
        Row(400, said("404", "S3Error", "NoSuchKey"), .notFound),
        Row(400, said("503", "S3Error", "SlowDown"), .transient),
        Row(400, said("400", "InvalidRequest", "x"), .permanent),
        Row(400, said("503", "SomethingNew", "x"), .transient),
        Row(400, said("418", "SomethingNew", "x"), .permanent),
        // Servers that have no codes.
        Row(400, said("409", nil, "Duplicate"), .conflict),
        Row(400, said("404", nil, "Bucket not found"), .unusable, "make the bucket"),
        Row(400, said("404", nil, "not_found"), .notFound),
        Row(400, said("403", nil, "Unauthorized"), .authentication, "row-level security"),
        Row(400, said("429", nil, "too_many_connections"), .transient),
        Row(400, said("409", nil, "something"), .transient),
        Row(400, said("0", nil, "Error"), .permanent),
        Row(400, #"{"statusCode":404,"error":"not_found","message":"m"}"#, .notFound),
        // Whoever stands in front of the server knows of no objects.
        Row(404, #"{"message":"no Route matched with those values"}"#, .unusable, "Supabase project"),
        Row(404, "<html>not found</html>", .unusable, "Supabase project"),
        Row(400, "bad", .unusable, "Supabase project"),
        Row(401, #"{"message":"No API key found in request"}"#, .authentication, "service_role"),
        Row(402, "", .unusable, "billing"),
        Row(540, "", .unusable, "paused"),
        Row(407, "", .unusable, "proxy"),
        Row(413, "<html>", .unacceptable, "proxy"),
        Row(301, "", .unusable, "elsewhere"),
        Row(502, "<html>bad gateway</html>", .transient),
        Row(429, "", .transient),
        Row(500, #"{"statusCode":{"a":[1]},"code":7,"error":null,"message":[]}"#, .transient),
    ]

    private static func refusal(
        _ row: Row, secret: String = "s3cret", headers: HTTPHeaders = [:]
    ) throws -> SupabaseRefusal {
        let answer = HTTPResponse(status: row.status, headers: headers, body: MemoryObject(Array(row.body.utf8)))
        let key = BearerKey(.given(Secret(secret)), lane: Lane(name: "keys"))
        return try SupabaseRefusal(
            answer, "put object a/b", at: SupabasePlace(url: "https://x.supabase.co/", bucket: "sessions"), key: key,
            hiding: SecretBytes(secret.utf8))
    }

    @Test("is judged by its code, then by its body's status, then by its own", arguments: rows)
    func meaning(_ row: Row) throws {
        let error = try Self.refusal(row).error
        #expect(error.code == row.code)
        #expect(error.message.hasPrefix("could not put object a/b in bucket sessions at https://x.supabase.co: "))
        if let hint = row.hint { #expect(error.hint?.contains(hint) == true, "\(error.hint ?? "-")") }
        // Where somebody has to act it is said what to do.
        if [.authentication, .unusable, .permanent, .unacceptable].contains(error.code) { #expect(error.hint != nil) }
    }

    @Test("says how long it asks to be left alone")
    func retryAfter() throws {
        let slow = Row(429, Self.said("429", "SlowDown", "SlowDown"), .transient)
        #expect(try Self.refusal(slow, headers: ["Retry-After": "17"]).error.retryAfter == .seconds(17))
        #expect(try Self.refusal(slow).error.retryAfter == nil)
    }

    @Test("never repeats the key, nor more than a line's worth of what was said")
    func words() throws {
        let echo = Row(400, Self.said("400", "InvalidJWT", "x", "Bearer s3cret is no key"), .authentication)
        let error = try Self.refusal(echo).error
        #expect(!error.message.contains("s3cret") && error.message.contains("(an answer with the key in it)"))
        let long = Row(400, Self.said("400", "InvalidJWT", "x", String(repeating: "x", count: 9000)), .authentication)
        #expect(try Self.refusal(long).error.message.utf8.count < 600)
        let lines = Row(400, Self.said("400", "InvalidJWT", "x", #"a\nb\u001b[31m"#), .authentication)
        #expect(try Self.refusal(lines).error.message.utf8.allSatisfy { $0 >= 0x20 })
    }
}
