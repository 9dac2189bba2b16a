import Digests
package import Shared
import Synchronization

/// Sessions at an agnes server, each stream as one whole file, as its own client pushes them when a session is over.
///
/// The server gives nothing back, so there is one writer by agreement, and what it has is what it said 200 to.
package final class AgnesSink: WholeFileSink {
    /// Without a slash at its end.
    private let url: String
    private let client: any HTTPClient
    private let key: BearerKey
    private let ring: KeyRing<SecretBytes>
    private let time: any TimeSource
    private let random: any RandomSource
    /// Where bodies are made.
    private let worker: any RoomExecutor
    /// Where bodies lie while they are sent, without names.
    private let directory: String
    private let gzip = Mutex<Negotiation?>(nil)

    /// Whether the server unpacks what it is sent, and when it said so.
    private struct Negotiation {
        var isTaken: Bool
        var at: Instant
    }

    /// How long that counts: a server may be another version tomorrow.
    private static let untilAskedAgain: Duration = .seconds(600)
    /// In bytes, of what a call answers.
    private static let longestAnswer: Int64 = 1 << 20

    package init(
        url: String, client: any HTTPClient, key: BearerKey, time: any TimeSource, random: any RandomSource,
        workingOn worker: any RoomExecutor, in directory: String
    ) {
        var text = Substring(url)
        while text.hasSuffix("/") { text = text.dropLast() }
        self.url = String(text)
        self.client = client
        self.key = key
        self.time = time
        self.random = random
        self.worker = worker
        self.directory = directory
        ring = KeyRing(time: time) { () async throws(DeliveryError) in try await key.read() }
    }

    package var lane: (any TaskExecutor)? { nil }
    package var isReadable: Bool { false }

    // MARK: The store

    /// The server has no id: its address is one. Whether the token is taken is known with the first file.
    package func open(proposing id: StoreID, known: StoreID?) async throws(DeliveryError) -> StoreID {
        _ = try await ring.keys()
        _ = try await negotiated()
        return StoreID(String(RunningDigest.digest(of: Array("agnes \(url)".utf8)).hex.prefix(32)))
    }

    package func store(known: StoreID?) -> StoreID? { known }

    // MARK: Files

    @discardableResult
    package func put(_ file: OutgoingFile) async throws(DeliveryError) -> ObjectVersion? {
        let name = try AgnesFile.name(file.stream.stream, of: file.stream.session, generation: file.generation)
        let isGzip = try await negotiated()
        guard let refusal = try await send(file, name, isGzip: isGzip) else { return nil }
        // Somebody between us and the server unpacks it, or it cannot any more: plain is always taken.
        guard isGzip, refusal.meaning == .invalidGzip else { throw refusal.error }
        gzip.withLock { $0 = Negotiation(isTaken: false, at: time.now) }
        if let refusal = try await send(file, name, isGzip: false) { throw refusal.error }
        return nil
    }

    /// - Returns: `nil`: the server has it.
    private func send(
        _ file: OutgoingFile, _ name: String, isGzip: Bool
    ) async throws(DeliveryError) -> AgnesRefusal? {
        let purpose = "send \(name)"
        let boundary = "uploaderd-\(String(random.next(), radix: 16))-\(String(random.next(), radix: 16))"
        let form = try await withTaskExecutorPreference(worker) { () async throws(DeliveryError) in
            try await MultipartFile(
                file, name: isGzip ? "\(name).gz" : name, isGzip: isGzip, boundary: boundary, in: directory)
        }
        let answer = try await ring.asking {
            (secret) async throws(DeliveryError) -> Result<HTTPResponse, AgnesRefusal> in
            let request = HTTPRequest(
                .post, "\(url)/api/upload/sessions",
                headers: ["Content-Type": form.contentType], credentials: [.bearer(secret)], body: .object(form.body),
                purpose: purpose, longestAnswer: Self.longestAnswer)
            let answer = try await client.send(request)
            if answer.status == 200 { return .success(answer) }
            return .failure(try AgnesRefusal(answer, purpose, at: url, key: key, hiding: secret))
        } refusal: { result in
            guard case .failure(let refusal) = result, refusal.meaning == .wrongKey else { return nil }
            return refusal.error
        }
        switch answer {
        case .failure(let refusal): return refusal
        case .success(let answer):
            try requireTaken(try answer.start(Int(Self.longestAnswer)), form, purpose)
            return nil
        }
    }

    /// Whoever else answers 200 to anything must not count as a server of agnes's, nor half a file as a whole one.
    private func requireTaken(
        _ answer: [UInt8], _ form: MultipartFile, _ purpose: String
    ) throws(DeliveryError) {
        guard let said = try? JSONText.decode(JSONValue.self, from: answer), said["status"]?.text == "ok" else {
            throw DeliveryError(
                .unusable, "could not \(purpose) at \(url): the answer is none of agnes's",
                hint: "is \(url) the address of an agnes server?", retryAfter: DeliveryError.pause)
        }
        guard let size = said["size"]?.int, size != form.size, size != form.sentSize else { return }
        throw DeliveryError(
            .transient, "\(url) has taken \(size) bytes of \(form.size): it is sent again")
    }

    // MARK: Compression

    /// Whether the server says that it unpacks files; an old one has no such page, or says nothing there.
    private func negotiated() async throws(DeliveryError) -> Bool {
        let kept = gzip.withLock { $0 }
        if let kept, time.now - kept.at < Self.untilAskedAgain { return kept.isTaken }
        let purpose = "ask how it is"
        let answer = try await client.send(
            HTTPRequest(.get, "\(url)/api/health", purpose: purpose, longestAnswer: Self.longestAnswer))
        let isTaken: Bool
        switch answer.status {
        case 200:
            let words = (answer.headers["X-Agnes-Accepts"] ?? "").split { $0 == "," || $0 == " " }
            isTaken = words.contains { $0.lowercased() == "session-gzip" }
        // It may be a page of those who have a token.
        case 401, 403, 404, 405: isTaken = false
        default: throw try AgnesRefusal(answer, purpose, at: url, key: key, hiding: SecretBytes([])).error
        }
        gzip.withLock { $0 = Negotiation(isTaken: isTaken, at: time.now) }
        return isTaken
    }

    // MARK: What it has not got

    package func isForgotten(_ session: SessionID) -> Bool { false }
    package func entomb(_ session: SessionID, _ tombstone: [UInt8]) {}
    package func erase(_ session: SessionID, manifestsOnly: Bool) throws(DeliveryError) {
        throw DeliveryError(
            .permanent,
            "what was sent of session \(session) cannot be deleted from here: \(url) only takes files",
            hint: "delete the session's files there yourself, or have it done")
    }
    package func object(
        _ relativePath: String, in folder: String
    ) throws(DeliveryError) -> any ObjectBytes & Sendable {
        throw DeliveryError(
            .unusable, "could not read \(relativePath): \(url) has taken it, and gives no files back",
            hint: "what it said 200 to is all that can be known; add a destination that can be read")
    }
    package func folder(of session: SessionID, writer: String, place: WriterPlace) -> String {
        "\(StoreName.escaped(session.rawValue))/"
    }
}
