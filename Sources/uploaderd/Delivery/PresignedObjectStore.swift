import Digests
package import Shared

/// Objects that are put below a URL which carries its own permission: `PUT <url>/<prefix><key>`, without any other
/// authorization. A query of the URL, which may be a signature, stays behind the key.
///
/// Nothing can be read back, listed or deleted there, so the last put of a name is the one that counts.
package final class PresignedObjectStore: ObjectStore {
    private let base: String
    private let query: Substring
    private let prefix: String
    private let client: any HTTPClient

    /// - Parameter url: may end in a slash, and may have a query.
    package init(url: String, prefix: String, client: any HTTPClient) {
        let end = url.firstIndex(of: "?") ?? url.endIndex
        var base = url[..<end]
        while base.hasSuffix("/") { base.removeLast() }
        self.base = String(base)
        query = url[end...]
        self.prefix = prefix
        self.client = client
    }

    /// - Returns: a version that only says which bytes were put.
    @discardableResult
    package func put(
        _ body: any ObjectBytes & Sendable, to key: ObjectKey, _ mode: PutMode
    ) async throws(DeliveryError) -> ObjectVersion {
        let path = PercentEncoding.encoded(prefix + key.rawValue, keepingSlashes: true)
        let request = HTTPRequest(
            .put, "\(base)/\(path)\(query)", headers: ["Content-Type": key.contentType], body: .object(body),
            purpose: "put object \(key)")
        let answer = try await client.send(request)
        guard answer.isSuccess else { throw Self.error(answer, request) }
        return ObjectVersion(answer.headers["ETag"] ?? "put")
    }

    private static func error(_ answer: HTTPResponse, _ request: HTTPRequest) -> DeliveryError {
        let message = "could not \(request.purpose) at \(request.origin): \(answer.status)"
        func error(_ code: DeliveryError.Code, _ hint: String?) -> DeliveryError {
            let usual: Duration? = code == .authentication || code == .unusable ? DeliveryError.pause : nil
            return DeliveryError(
                code, message, hint: hint, retryAfter: answer.retryAfter ?? usual, isPushback: answer.isPushback)
        }
        switch answer.status {
        case 401, 403:
            return error(
                .authentication, "the URL has expired, or is not for this: get another one, write it and reload")
        case 300..<400, 404, 405, 501:
            return error(.unusable, "does the URL take PUT for every name below it?")
        case 408, 425, 429, 500...: return error(.transient, nil)
        case 413, 414, 415: return error(.unacceptable, "let whoever takes it there take such an object")
        default: return error(.permanent, nil)
        }
    }

    private func unreadable(_ what: String) -> DeliveryError {
        DeliveryError(
            .unusable, "could not \(what): objects that were put with a presigned URL cannot be read back",
            hint: "add a destination that can be read")
    }

    package func version(of key: ObjectKey) throws(DeliveryError) -> ObjectVersion? {
        throw unreadable("look at object \(key)")
    }
    package func read(_ key: ObjectKey, range: Range<Int64>?) throws(DeliveryError) -> any ObjectBytes & Sendable {
        throw unreadable("read object \(key)")
    }
    package func list(_ prefix: String) throws(DeliveryError) -> [ObjectKey] { throw unreadable("list \(prefix)") }
    package func isEmpty(below prefix: String) throws(DeliveryError) -> Bool { throw unreadable("list \(prefix)") }
    package func listFolders(_ prefix: String) throws(DeliveryError) -> [String] { throw unreadable("list \(prefix)") }
    package func sweep(_ prefix: String) {}

    package func delete(_ key: ObjectKey) throws(DeliveryError) { throw unreadable("delete object \(key)") }
}

extension ObjectKey {
    /// For whoever looks at a bucket with other tools.
    var contentType: String {
        switch rawValue.split(separator: ".").last {
        case "json": "application/json"
        case "gz": "application/gzip"
        case "zst": "application/zstd"
        case "jsonl": "application/x-ndjson"
        default: "application/octet-stream"
        }
    }
}
