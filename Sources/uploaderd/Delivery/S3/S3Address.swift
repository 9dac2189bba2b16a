package import Shared

/// Where the objects of a bucket are: URLs, and what of them is signed. Pure.
package struct S3Address: Sendable, CustomStringConvertible {
    let bucket: String
    /// As it was configured.
    let endpoint: String
    /// Before each key; not encoded.
    let prefix: String
    /// `https://host:port`, with the bucket before the host when it is to be there.
    private let origin: String
    /// As it stands in the request.
    let host: String
    /// Encoded, without a closing slash: what comes before keys.
    private let base: String

    package init(_ place: BucketPlace) {
        bucket = place.bucket
        endpoint = place.endpoint
        prefix = place.prefix
        let parts = place.endpoint.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        let scheme = parts.first.map { $0.lowercased() } ?? "https:"
        var authority = parts.count > 2 ? parts[2].lowercased() : ""
        // As every client writes Host: RFC 9110, 7.2, and 4.2.3 for the port that goes without saying.
        let usual = scheme == "http:" ? ":80" : ":443"
        if authority.hasSuffix(usual) { authority.removeLast(usual.utf8.count) }
        var path = parts.count > 3 ? "/\(parts[3])" : ""
        while path.hasSuffix("/") { path.removeLast() }
        host = place.pathStyle ? authority : "\(place.bucket).\(authority)"
        base = place.pathStyle ? "\(path)/\(PercentEncoding.encoded(place.bucket))" : path
        origin = "\(scheme)//\(host)"
    }

    /// - Parameter key: `nil`: the bucket.
    func path(_ key: ObjectKey?) -> String {
        guard let key else { return base.isEmpty ? "/" : base }
        return "\(base)/\(PercentEncoding.encoded(prefix + key.rawValue, keepingSlashes: true))"
    }

    func url(_ key: ObjectKey?, _ query: [(String, String)]) -> String {
        let text = SignatureV4.canonicalQuery(query)
        return "\(origin)\(path(key))\(text.isEmpty ? "" : "?\(text)")"
    }

    package var description: String { "bucket \(bucket) at \(endpoint)" }
    var prefixName: String { prefix.isEmpty ? "its root" : prefix }
}
