package import Shared

package enum HTTPMethod: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case put = "PUT"
    case post = "POST"
    case patch = "PATCH"
    case delete = "DELETE"
}

/// One request to a server.
package struct HTTPRequest: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Read on a lane, in pieces, while it is sent.
        case object(any ObjectBytes & Sendable)
    }

    package var method: HTTPMethod
    /// Percent-encoded, as it goes on the wire: nothing in it is changed, dots neither.
    package var url: String
    package var headers: HTTPHeaders
    package var credentials: [HTTPCredential]
    package var body: Body
    /// For messages, after "could not": `put object sessions/a/manifest.json`.
    package var purpose: String
    /// More bytes than this are refused; what goes over a few MiB of it lies in an unnamed file.
    package var longestAnswer: Int64

    /// What a server says about a request, as against what was asked for.
    package static let usualAnswer: Int64 = 16 << 20

    package init(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = HTTPHeaders(), credentials: [HTTPCredential] = [],
        body: Body = .none, purpose: String, longestAnswer: Int64 = HTTPRequest.usualAnswer
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.credentials = credentials
        self.body = body
        self.purpose = purpose
        self.longestAnswer = longestAnswer
    }

    /// Without path and query, which may hold a signature: `https://s3.example:9000`.
    package var origin: String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return "?" }
        return "\(parts[0])//\(parts[2].prefix { $0 != "?" && $0 != "#" })"
    }
}

/// A header line that nobody is to see: it is written where it is sent, and wiped there.
package struct HTTPCredential: Sendable {
    package var name: String
    /// What stands before the secret: `Bearer ` (RFC 6750, 2.1), or nothing.
    package var scheme = ""
    package var secret: SecretBytes

    package static func bearer(_ secret: SecretBytes) -> HTTPCredential {
        HTTPCredential(name: "Authorization", scheme: "Bearer ", secret: secret)
    }
}

/// Names and values in order; names are compared without case.
package struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    package private(set) var all: [(name: String, value: String)] = []

    package init() {}
    package init(dictionaryLiteral elements: (String, String)...) { all = elements.map { (name: $0, value: $1) } }

    /// The first value of that name. Setting puts it in the place of all.
    package subscript(_ name: String) -> String? {
        get { all.first { Self.isSame($0.name, name) }?.value }
        set {
            all.removeAll { Self.isSame($0.name, name) }
            if let newValue { add(name, newValue) }
        }
    }

    package mutating func add(_ name: String, _ value: String) { all.append((name, value)) }
    package mutating func removeAll() { all.removeAll() }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && zip(a.utf8, b.utf8).allSatisfy { lower($0) == lower($1) }
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}

/// What the server answered, whatever its status: whoever asked knows what each means to it.
package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    package var body: any ObjectBytes & Sendable

    package init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: any ObjectBytes & Sendable) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The body's first bytes, at most `limit` of them. Without a disk as long as it is no more than a few MiB.
    package func start(_ limit: Int = 1 << 20) throws(DeliveryError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(min(Int64(limit), body.size)))
        do {
            let count = try bytes.withUnsafeMutableBytes { try body.read(at: 0, into: $0) }
            return Array(bytes.prefix(count))
        } catch {
            throw DeliveryError(.transient, "could not read an answer that was received: \(error)")
        }
    }

    /// How long the server asks to be left alone: Retry-After (RFC 9110, 10.2.3), at most an hour. A date there is compared with
    /// the answer's own: whose clock is right does not matter.
    package var retryAfter: Duration? {
        guard let text = headers["Retry-After"] else { return nil }
        if let seconds = Int64(text) { return seconds >= 0 ? .seconds(min(seconds, 3600)) : nil }
        guard let date = HTTPDate.parse(text), let sent = headers["Date"].flatMap({ HTTPDate.parse($0) }) else {
            return nil
        }
        return .nanoseconds(min(max((date - sent).nanoseconds, 0), 3_600_000_000_000))
    }

    /// It says that there is too much to do: 429, 503, or that something behind it did not answer in time; 544 is Supabase's
    /// word for its database.
    package var isPushback: Bool { [408, 429, 503, 504, 544].contains(status) }
}

/// Sends requests. `TransferClient` is the real one; a scripted far end in the tests is the other.
///
/// Connections are kept and used again, redirects are not followed.
package protocol HTTPClient: Sendable {
    /// - Returns: any whole answer, of whatever status.
    /// - Throws: when there was no whole answer: `transient` where the network or the server may be well again later,
    ///   `unusable` where somebody has to change something. It may have been done all the same. Also when the task is cancelled.
    func send(_ request: HTTPRequest) async throws(DeliveryError) -> HTTPResponse
}
