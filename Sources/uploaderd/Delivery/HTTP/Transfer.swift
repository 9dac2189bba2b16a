import CCurl
import Glibc
import LinuxSystem
import Shared

/// One request under way: libcurl's easy handle, and what goes in and out of it.
///
/// Sendable, proof: only on the loop's thread, where libcurl makes its calls, is anything in it touched.
final class Transfer: @unchecked Sendable {
    let request: HTTPRequest
    let easy: UnsafeMutableRawPointer
    let allowances: [UploadAllowance]
    private let headers: HeaderList
    /// libcurl's own words about a failure.
    private let complaint: UnsafeMutablePointer<CChar>
    /// What this end could not go on for; it comes before what libcurl makes of it.
    var failure: DeliveryError?
    /// How libcurl ended; `nil`: it has not.
    var result: CURLcode?
    var status = 0
    var answer = HTTPHeaders()
    private var headerBytes = 0
    var outgoing: OutgoingBody
    var incoming: IncomingBody
    var file: SpillFile?
    /// libcurl was told to wait for bytes, or for room.
    var isPaused = false
    /// It waits until it may send more.
    var isHeld = false
    /// Its turn among those that do.
    var heldAs: UInt64?
    private var isClosed = false
    var continuation: CheckedContinuation<Result<HTTPResponse, DeliveryError>, Never>?
    /// Has what is wanted read, written, or waited for; on the loop.
    private let work: (Transfer) -> Void

    private static let mostHeaderBytes = 64 << 10

    /// - Throws: when there is no memory, or something in the request that libcurl refuses.
    init(
        _ request: HTTPRequest, _ options: TransferOptions, _ allowances: [UploadAllowance],
        work: @escaping (Transfer) -> Void
    ) throws(DeliveryError) {
        self.request = request
        self.allowances = allowances
        self.work = work
        guard let easy = curl_easy_init(), let headers = HeaderList(request) else {
            throw DeliveryError(.transient, "could not \(request.purpose): there is no memory")
        }
        self.easy = easy
        self.headers = headers
        complaint = .allocate(capacity: Int(CURL_ERROR_SIZE))
        complaint.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        outgoing = OutgoingBody(size: request.body.size)
        incoming = IncomingBody(limit: request.longestAnswer)
        try setUp(options)
    }

    deinit {
        // Only of one that was never begun.
        if !isClosed { curl_easy_cleanup(easy) }
        complaint.deallocate()
    }

    /// Gives libcurl's handle back; nothing is asked of it afterwards.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        curl_easy_cleanup(easy)
    }

    private func setUp(_ options: TransferOptions) throws(DeliveryError) {
        let own = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            ccurl_set_text(easy, CURLOPT_URL, request.url),
            ccurl_set_text(easy, CURLOPT_PROTOCOLS_STR, options.allowsPlain ? "https,http" : "https"),
            ccurl_set_text(easy, CURLOPT_USERAGENT, "\(Product.name)/\(Product.version)"),
            // Not the environment's: whoever starts the daemon may have one for other things.
            ccurl_set_text(easy, CURLOPT_PROXY, options.proxy ?? ""),
            ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1),
            ccurl_set_long(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1),
            ccurl_set_long(easy, CURLOPT_PATH_AS_IS, 1),
            ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1),
            // A thread that looks a name up is left alone: waiting for it would stop the loop.
            ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1),
            ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS)),
            ccurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1),
            ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(options.connecting.nanoseconds / 1_000_000)),
            // Under one byte a second for so long is no progress.
            ccurl_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, 1),
            ccurl_set_long(easy, CURLOPT_LOW_SPEED_TIME, max(1, Int(options.stillness.inSeconds))),
            ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, complaint),
            ccurl_set_headers(easy, headers.list),
            ccurl_set_writers(easy, Self.takeBody, Self.takeHeader, own),
        ]
        // A bundle is parsed anew for each connection, 20 ms on the loop; in the folder only the one that is needed is
        // looked up. A file of the user's comes besides.
        if let file = options.caFile {
            codes.append(ccurl_set_text(easy, CURLOPT_CAINFO, file))
        } else if ccurl_certificate_folder() != nil {
            codes.append(ccurl_set_text(easy, CURLOPT_CAINFO, nil))
        }
        codes += setMethod(own)
        if let wrong = codes.first(where: { $0 != CURLE_OK }) {
            throw DeliveryError(
                .unusable, "could not \(request.purpose): \(String(cString: curl_easy_strerror(wrong)))",
                hint: "check the destination's address, proxy and ca_file")
        }
    }

    private func setMethod(_ own: UnsafeMutableRawPointer) -> [CURLcode] {
        switch (request.method, request.body) {
        case (.head, _): return [ccurl_set_long(easy, CURLOPT_NOBODY, 1)]
        case (.get, .none): return [ccurl_set_long(easy, CURLOPT_HTTPGET, 1)]
        // DELETE and a POST without content: no body, whatever the method makes of it.
        case (.delete, .none): return [ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)]
        default:
            return [
                ccurl_set_long(easy, CURLOPT_UPLOAD, 1),
                ccurl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(request.body.size)),
                ccurl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue),
                ccurl_set_reader(easy, Self.giveBody, Self.seekBody, own),
            ]
        }
    }

    var complaintText: String { String(cString: complaint) }

    /// What the request comes to when libcurl is done with it and nothing is left to be written.
    var outcome: Result<HTTPResponse, DeliveryError> {
        if let failure { return .failure(failure) }
        if let result, result != CURLE_OK { return .failure(TransferFailure(self, result).error) }
        if let all = incoming.inMemory {
            return .success(HTTPResponse(status: status, headers: answer, body: all))
        }
        do throws(SystemError) {
            guard let file else { throw SystemError("dup", code: EBADF) }
            let bytes = try file.bytes(incoming.written)
            return .success(HTTPResponse(status: status, headers: answer, body: bytes))
        } catch {
            return .failure(DeliveryError(.transient, "could not \(request.purpose): \(error)"))
        }
    }

    // MARK: libcurl's calls, on the loop

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> Transfer {
        guard let pointer else { preconditionFailure("libcurl gives back what it was given") }
        return Unmanaged<Transfer>.fromOpaque(pointer).takeUnretainedValue()
    }

    private static let giveBody: ccurl_mover = { buffer, size, count, user in
        let transfer = Transfer.of(user)
        let room = UnsafeMutableRawBufferPointer(start: buffer, count: size * count)
        return transfer.give(into: room)
    }

    private func give(into room: UnsafeMutableRawBufferPointer) -> Int {
        if failure != nil { return ccurl_read_abort() }
        var room = room
        if !allowances.isEmpty {
            let allowed = allowances.reduce(room.count) { min($0, $1.allowed($0)) }
            if allowed == 0, outgoing.isUnfinished {
                isHeld = true
                return pause()
            }
            room = UnsafeMutableRawBufferPointer(rebasing: room[..<max(allowed, 0)])
        }
        switch outgoing.give(into: room) {
        case .bytes(let count):
            for allowance in allowances { allowance.spend(count) }
            work(self)
            return count
        case .end: return 0
        case .wait: return pause()
        }
    }

    private func pause() -> Int {
        isPaused = true
        work(self)
        return ccurl_read_pause()
    }

    private static let seekBody: ccurl_seeker = { user, offset, origin in
        let transfer = Transfer.of(user)
        guard origin == SEEK_SET, offset >= 0 else { return 1 }
        transfer.outgoing.restart(at: Int64(offset))
        // Read ahead, as at the beginning: whoever waits for a piece that is in memory is told by nobody that it came.
        transfer.work(transfer)
        return ccurl_seek_ok()
    }

    private static let takeBody: ccurl_mover = { bytes, size, count, user in
        let transfer = Transfer.of(user)
        let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
        switch transfer.incoming.take(piece) {
        case .all:
            transfer.work(transfer)
            return piece.count
        case .wait:
            transfer.isPaused = true
            transfer.work(transfer)
            return ccurl_write_pause()
        case .tooMany:
            transfer.refuse("the answer is longer than \(transfer.request.longestAnswer) bytes")
            return 0
        }
    }

    private static let takeHeader: ccurl_mover = { bytes, size, count, user in
        let transfer = Transfer.of(user)
        let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return transfer.takeHeader(line) ? line.count : 0
    }

    private func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        headerBytes += line.count
        guard headerBytes <= Self.mostHeaderBytes else {
            refuse("the answer has more than \(Self.mostHeaderBytes) bytes of headers")
            return false
        }
        let text = String(decoding: line, as: UTF8.self).trimming(" \t\r\n")
        // Another answer begins: what came before was provisional.
        if text.hasPrefix("HTTP/") {
            answer.removeAll()
        } else if let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) {
            let value = String(text[text.utf8.index(after: colon)...]).trimming(" \t")
            answer.add(String(text[..<colon]), value)
        }
        return true
    }

    private func refuse(_ why: String) {
        failure = DeliveryError(.transient, "could not \(request.purpose) at \(request.origin): \(why)")
    }
}

/// Header lines as libcurl wants them. They may hold a key, so their bytes are wiped before they are given back.
private final class HeaderList {
    private(set) var list: UnsafeMutablePointer<curl_slist>?

    init?(_ request: HTTPRequest) {
        let headers = request.headers
        // What libcurl would add by itself: waiting a second for leave to send, and a type that nobody said.
        let own = ["Expect", "Content-Type", "Accept"].filter { headers[$0] == nil }.map { "\($0):" }
        for line in headers.all.map({ $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }) + own {
            guard let longer = curl_slist_append(list, line) else { return nil }
            list = longer
        }
        for credential in request.credentials {
            guard let longer = Self.append(credential, to: list) else { return nil }
            list = longer
        }
    }

    private static func append(
        _ credential: HTTPCredential, to list: UnsafeMutablePointer<curl_slist>?
    ) -> UnsafeMutablePointer<curl_slist>? {
        let name = "\(credential.name): \(credential.scheme)"
        return credential.secret.withBytes { secret in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.utf8.count + secret.count + 1) { line in
                line.initialize(repeating: 0)
                let bytes = UnsafeMutableRawBufferPointer(line)
                defer { if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) } }
                bytes.copyBytes(from: name.utf8)
                UnsafeMutableRawBufferPointer(rebasing: bytes[name.utf8.count...]).copyMemory(from: secret)
                return curl_slist_append(list, line.baseAddress)
            }
        }
    }

    deinit {
        var next = list
        while let item = next {
            if let text = item.pointee.data { explicit_bzero(text, strlen(text)) }
            next = item.pointee.next
        }
        curl_slist_free_all(list)
    }
}

extension HTTPRequest.Body {
    var size: Int64 {
        switch self {
        case .none: 0
        case .bytes(let bytes): Int64(bytes.count)
        case .object(let object): object.size
        }
    }
}

extension String {
    fileprivate func trimming(_ characters: String) -> String {
        let bytes = Array(characters.utf8)
        let text = utf8
        guard let first = text.firstIndex(where: { !bytes.contains($0) }),
            let last = text.lastIndex(where: { !bytes.contains($0) })
        else { return "" }
        return String(self[first...last])
    }
}
