import Digests
import Shared

/// AWS Signature Version 4 in a header, for S3: paths are encoded once and not normalised. Pure.
///
/// "Signature Calculations for the Authorization Header", Amazon S3 API Reference. What is signed:
///
///     PUT                                          method
///     /bucket/a%20b/c                              path, as it goes on the wire
///     list-type=2&prefix=a%2Fb                     query, encoded, sorted by name, then value
///     host:s3.example                              headers, names in small letters, sorted
///     x-amz-date:20130524T000000Z
///     …
///     host;x-amz-date;…                            their names
///     44ce7dd6…                                    SHA-256 of the body
///
/// and its digest, the time and the scope are signed with a key that is derived from the secret for one day, region and
/// service.
struct SignatureV4: Sendable {
    let region: String
    let service: String

    init(region: String, service: String = "s3") {
        self.region = region
        self.service = service
    }

    /// The value of Authorization.
    ///
    /// - Parameters:
    ///   - path: encoded.
    ///   - query: not encoded.
    ///   - headers: all that are signed: Host and X-Amz-Date among them.
    ///   - payload: 64 digits, or what stands for them.
    func authorization(
        _ method: String, path: String, query: [(String, String)] = [], headers: [(name: String, value: String)],
        payload: String, keys: S3Keys, at time: WallTime
    ) -> String {
        let named = Self.canonical(headers)
        let names = named.map(\.0).joined(separator: ";")
        let request =
            ([method, path, Self.canonicalQuery(query)] + named.map { "\($0.0):\($0.1)" } + ["", names, payload])
            .joined(separator: "\n")
        let stamp = Self.stamp(time)
        let scope = "\(stamp.prefix(8))/\(region)/\(service)/aws4_request"
        let digest = RunningDigest.digest(of: Array(request.utf8)).hex
        let text = "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(digest)"
        let signature = keys.withSecret { secret in
            var key = Array("AWS4".utf8) + secret
            for part in [String(stamp.prefix(8)), region, service, "aws4_request"] {
                let next = Self.mac(part, key)
                SecretBytes.wipe(&key)
                key = next
            }
            defer { SecretBytes.wipe(&key) }
            return KeyedDigest.mac(of: text, key: key).hex
        }
        return "AWS4-HMAC-SHA256 Credential=\(keys.id)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
    }

    /// `20130524T000000Z`, as X-Amz-Date has it.
    static func stamp(_ time: WallTime) -> String {
        String(
            decoding: RFC3339.text(time).utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ":") },
            as: UTF8.self)
    }

    static func canonicalQuery(_ query: [(String, String)]) -> String {
        query.map { (PercentEncoding.encoded($0.0), PercentEncoding.encoded($0.1)) }
            .sorted { Array($0.0.utf8) == Array($1.0.utf8) ? $0.1 < $1.1 : $0.0 < $1.0 }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Names in small letters, sorted; values trimmed, runs of spaces made one; those of one name joined.
    private static func canonical(_ headers: [(name: String, value: String)]) -> [(String, String)] {
        var values: [String: [String]] = [:]
        for header in headers {
            let words = header.value.split(separator: " ", omittingEmptySubsequences: true)
            values[header.name.lowercased(), default: []].append(words.joined(separator: " "))
        }
        return values.keys.sorted().map { ($0, (values[$0] ?? []).joined(separator: ",")) }
    }

    private static func mac(_ text: String, _ key: [UInt8]) -> [UInt8] { KeyedDigest.mac(of: text, key: key).bytes }
}

extension KeyedDigest {
    fileprivate static func mac(of text: String, key: [UInt8]) -> Digest256 {
        Array(text.utf8).withUnsafeBytes { mac($0, key: key) }
    }
}
