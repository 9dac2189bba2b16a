import Compression
import Shared
import Synchronization

/// The calls of a confab server that are made here, each as its own client makes it.
final class ConfabServer: Sendable {
    /// Without a slash at its end.
    let url: String
    private let key: BearerKey
    private let client: any HTTPClient
    private let ring: KeyRing<SecretBytes>
    /// Answers in a row that there is no such thing.
    private let absences = Mutex(0)

    /// So many, and it is no accident.
    private static let mostAbsences = 3
    /// Bodies from so many bytes on are compressed.
    private static let worthCompressing = 1024
    /// In bytes, of what a call answers.
    private static let longestAnswer: Int64 = 32 << 20
    /// Of a whole file.
    private static let longestFile: Int64 = 4 << 30

    init(_ url: String, client: any HTTPClient, key: BearerKey, time: any TimeSource) {
        var text = Substring(url)
        while text.hasSuffix("/") { text = text.dropLast() }
        self.url = String(text)
        self.key = key
        self.client = client
        ring = KeyRing(time: time) { () async throws(DeliveryError) in try await key.read() }
    }

    // MARK: Calls

    struct Session: Sendable {
        var id: String
        /// The last line that it has, by file.
        var files: [String: Int]
    }

    func validate() async throws(DeliveryError) {
        _ = try await said(
            by: send(.get, "api/v1/auth/validate", nil, "ask whether the key is taken"), "ask for the key")
    }

    /// What the server takes besides transcripts and agents' files; old ones do not say, and take none of it.
    struct Capabilities: Sendable, Hashable {
        var workflowFiles = false
        var workflowJournal = false
    }

    func capabilities() async throws(DeliveryError) -> Capabilities {
        let purpose = "ask what the server takes"
        let answer = try await client.send(
            HTTPRequest(
                .get, "\(url)/api/v1/capabilities", purpose: purpose, longestAnswer: Self.longestAnswer))
        if answer.status == 404 { return Capabilities() }
        guard answer.isSuccess else {
            throw try ConfabRefusal(answer, purpose, at: url, key: key, hiding: SecretBytes([])).error
        }
        let said = try content(of: answer, purpose)
        return Capabilities(
            workflowFiles: said["workflow_files"]?.truth ?? false,
            workflowJournal: said["workflow_journal"]?.truth ?? false)
    }

    /// The session as the server has it; it is made when it is not there.
    func begin(_ session: SessionID, _ facts: SessionFacts) async throws(DeliveryError) -> Session {
        let purpose = "begin session \(session)"
        let said = try await said(
            by: send(.post, "api/v1/sync/init", try encoded(ConfabBeginning(session, facts)), purpose), purpose)
        guard let id = said["session_id"]?.text, case .object(let files)? = said["files"] ?? .object([:]) else {
            throw notConfab(purpose)
        }
        return Session(
            id: id, files: files.compactMapValues { $0["last_synced_line"]?.int.flatMap { Int(exactly: $0) } })
    }

    /// - Returns: the last line that the server has now.
    func append(
        _ chunk: ConfabChunk, to file: ConfabFile, in session: String, metadata: [UInt8]?
    ) async throws(DeliveryError) -> Result<Int, ConfabRefusal> {
        let purpose = "send lines \(chunk.firstLine)… of \(file.name)"
        let body = chunk.body(file, in: session, metadata: metadata)
        switch try await send(.post, "api/v1/sync/chunk", body, purpose) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let answer):
            guard let last = try content(of: answer, purpose)["last_synced_line"]?.int.flatMap({ Int(exactly: $0) })
            else { throw notConfab(purpose) }
            return .success(last)
        }
    }

    func tell(end: ConfabEnd) async throws(DeliveryError) -> Result<HTTPResponse, ConfabRefusal> {
        try await send(.post, "api/v1/sync/event", try encoded(end), "tell that a session has ended")
    }

    func tell(summary: String, of session: SessionID) async throws(DeliveryError) -> Result<HTTPResponse, ConfabRefusal>
    {
        let path = "api/v1/sessions/\(PercentEncoding.encoded(session.rawValue))/summary"
        return try await send(.patch, path, try encoded(["summary": summary]), "tell the summary of \(session)")
    }

    func tell(link: SessionLink, in session: String) async throws(DeliveryError) -> Result<HTTPResponse, ConfabRefusal>
    {
        var body = ["url": link.url, "source": "manual"]
        body["title"] = link.title
        return try await send(
            .post, "api/v1/sessions/\(PercentEncoding.encoded(session))/github-links", try encoded(body),
            "tell the link \(link.url)")
    }

    /// All lines of a file, each with its end.
    func download(_ file: String, of session: String) async throws(DeliveryError) -> any ObjectBytes & Sendable {
        let path =
            "api/v1/sessions/\(PercentEncoding.encoded(session))/files/download?file_name=\(PercentEncoding.encoded(file))"
        switch try await send(.get, path, nil, "read file \(file)", longestAnswer: Self.longestFile) {
        case .success(let answer): return answer.body
        case .failure(let refusal):
            guard refusal.meaning == .absent else { throw refusal.error }
            throw DeliveryError(.notFound, "there is no file \(file) at \(url)")
        }
    }

    // MARK: Asking

    private func send(
        _ method: HTTPMethod, _ path: String, _ body: [UInt8]?, _ purpose: String,
        longestAnswer: Int64 = ConfabServer.longestAnswer
    ) async throws(DeliveryError) -> Result<HTTPResponse, ConfabRefusal> {
        var headers: HTTPHeaders = [:]
        var sent = HTTPRequest.Body.none
        if let body {
            headers["Content-Type"] = "application/json"
            if body.count >= Self.worthCompressing, let frame = ZstdFrame.compressed(body) {
                headers["Content-Encoding"] = "zstd"
                sent = .bytes(frame)
            } else {
                sent = .bytes(body)
            }
        }
        let request = HTTPRequest(
            method, "\(url)/\(path)", headers: headers, body: sent, purpose: purpose, longestAnswer: longestAnswer)
        let result = try await ring.asking {
            (secret) async throws(DeliveryError) -> Result<HTTPResponse, ConfabRefusal> in
            var request = request
            request.credentials = [.bearer(secret)]
            let answer = try await client.send(request)
            if answer.isSuccess { return .success(answer) }
            return .failure(try ConfabRefusal(answer, purpose, at: url, key: key, hiding: secret))
        } refusal: { result in
            guard case .failure(let refusal) = result, refusal.meaning == .wrongKey else { return nil }
            return refusal.error
        }
        try count(result, purpose)
        return result
    }

    private func count(_ result: Result<HTTPResponse, ConfabRefusal>, _ purpose: String) throws(DeliveryError) {
        guard case .failure(let refusal) = result, refusal.meaning == .absent else {
            return absences.withLock { $0 = 0 }
        }
        let count = absences.withLock { absences in
            absences += 1
            return absences
        }
        guard count >= Self.mostAbsences else { return }
        throw DeliveryError(
            .unusable, "\(refusal.error.message): \(count) answers in a row that there is no such thing",
            hint: "is \(url) the address of a confab server, with nothing behind its host but a port?",
            retryAfter: .seconds(60))
    }

    private func said(
        by result: Result<HTTPResponse, ConfabRefusal>, _ purpose: String
    ) throws(DeliveryError) -> JSONValue {
        switch result {
        case .success(let answer): return try content(of: answer, purpose)
        case .failure(let refusal): throw refusal.error
        }
    }

    /// Whoever else answers 200 to anything must not count as a server of confab's.
    private func content(of answer: HTTPResponse, _ purpose: String) throws(DeliveryError) -> JSONValue {
        let bytes = try answer.start(Int(Self.longestAnswer))
        guard let said = try? JSONText.decode(JSONValue.self, from: bytes), case .object = said else {
            throw notConfab(purpose)
        }
        return said
    }

    private func notConfab(_ purpose: String) -> DeliveryError {
        DeliveryError(
            .unusable, "could not \(purpose) at \(url): the answer is none of confab's",
            hint: "is \(url) the address of a confab server?", retryAfter: .seconds(60))
    }

    private func encoded(_ value: some Encodable) throws(DeliveryError) -> [UInt8] {
        do { return try JSONText.encode(value) } catch {
            throw DeliveryError(.permanent, "could not write JSON: \(error)")
        }
    }
}
