package import Shared

/// What the daemon can be asked, one method for each call, with nothing of Varlink, sockets or JSON in it.
///
/// Engine's desk implements it; the tests' implementation is the second one. The methods are called from the loop, several at
/// a time; what takes long hops to a lane. When the caller goes away, or the service stops, the call's task is
/// cancelled: a method that waits or streams then ends soon, with any error.
package protocol ControlHandler: Sendable {
    /// Returns when there is an engine to be asked: not while a reload puts another one in the place of the one that runs.
    func ready() async

    func status() async throws(ControlError) -> StatusSnapshot

    /// Returns as soon as the status has another revision than the given one, which may be at once.
    func statusChange(after revision: UInt64) async throws(CancellationError)

    /// The first sessions that the filter lets through, at most `limit` of them, ordered by sid.
    func sessions(_ filter: SessionFilter, limit: Int) async throws(ControlError) -> [SessionItem]

    /// All that is known of one session.
    ///
    /// - Throws: `noSuchSession`.
    func session(_ sid: SessionID) async throws(ControlError) -> SessionDetail

    /// Sends the lines in order, in pieces of any size, and returns after the last.
    ///
    /// - Returns: what may have more lines and could not be read, a sentence each.
    /// - Throws: `noSuchSession`, `noMatch`, `damaged`, `backendError`; never returns early instead.
    func replay(_ request: ReplayRequest, to sink: ReplySink<ReplayPiece>) async throws(ControlError) -> [String]

    /// Sends the bytes that a pointer leads to, in order, in pieces of any size, and returns after the last.
    ///
    /// - Returns: how many there were, more than none.
    /// - Throws: `noMatch` when there are none, `backendError` when they cannot be read.
    func resolve(_ pointer: PointerHandle, to sink: ReplySink<BytePiece>) async throws(ControlError) -> Int64

    /// Sends every range that it looked at, good and bad, and returns the counts.
    func verify(_ request: VerifyRequest, to sink: ReplySink<[VerifiedRange]>) async throws(ControlError)
        -> VerifySummary

    /// Seals, and waits if asked to; meanwhile it may send how far it is, as often as it likes.
    ///
    /// - Parameter passed: came with the call: the file that the request names, open for reading.
    func flush(
        _ request: FlushRequest, passed: PassedDescriptor?, progress: ReplySink<FlushReply>
    ) async throws(ControlError) -> FlushReply

    /// Returns when nothing of the session is on its way any more; meanwhile it may send what is, as often as it likes.
    func addPrivate(_ sid: SessionID, progress: ReplySink<AddPrivateReply>) async throws(ControlError)
        -> AddPrivateReply

    /// - Throws: `refused` for a session that was forgotten.
    func removePrivate(_ sid: SessionID) async throws(ControlError) -> RemovePrivateReply

    /// The first sessions that are not open, at most `limit` of them, ordered by sid.
    func privates(after: SessionID?, limit: Int) async throws(ControlError) -> [PrivateSession]

    /// Returns when it is done wherever it can be now; meanwhile it may send how far it is, as often as it likes.
    ///
    /// - Throws: `noSuchSession` when neither this machine nor a store that can be read knows it.
    func forget(_ sid: SessionID, progress: ReplySink<ForgetReply>) async throws(ControlError) -> ForgetReply

    /// A hook tells of a session. Returns when that is durable.
    func capture(_ event: CapturedEvent) async throws(ControlError)

    func importQueue(_ request: ImportQueueRequest) async throws(ControlError) -> ImportQueueReply

    /// - Throws: `invalidConfiguration` with all problems; the old configuration stays in force.
    func reload() async throws(ControlError) -> ReloadReply

    func configuration() async throws(ControlError) -> ConfigurationReply

    /// Returns when the link is durable.
    ///
    /// - Throws: `noSuchSession`.
    func addLink(_ request: AddLinkRequest) async throws(ControlError) -> AddLinkReply

    /// The first entries behind the request's `after`, then refusals, at most `limit` together; no `next`: there are no more.
    ///
    /// - Throws: `noMatch` for a destination that nobody has heard of.
    func audit(_ request: AuditRequest, limit: Int) async throws(ControlError) -> AuditPage

    /// Sends what the destinations have, a few sessions at a time, and what could not be read.
    ///
    /// - Throws: `noMatch` for a destination that is not configured; `backendError`, `refused` where the one that was named cannot be read.
    func remoteSessions(_ request: RemoteRequest, to sink: ReplySink<RemotePage>) async throws(ControlError)

    /// Takes a session's lines; they are durable when it returns.
    ///
    /// - Parameter passed: came with the call: the file that holds them, open for reading.
    func importSession(_ request: ImportSessionRequest, passed: PassedDescriptor?) async throws(ControlError)
        -> ImportSessionReply

    /// Returns when it is done wherever it can be now; meanwhile it may send how far it is, as often as it likes.
    func resend(_ request: ResendRequest, progress: ReplySink<ResendReply>) async throws(ControlError) -> ResendReply

    /// Durable. `nil`: every destination.
    ///
    /// - Throws: `noMatch` for a destination that there is not.
    func pause(_ destination: String?) async throws(ControlError) -> PauseReply
    func resume(_ destination: String?) async throws(ControlError) -> PauseReply

    /// - Throws: `noMatch`; `refused` for a directory.
    func limit(_ request: LimitRequest) async throws(ControlError) -> LimitReply

    /// The first ones, at most `limit` of them, in the order of their ids.
    func quarantine(_ request: QuarantineRequest, after: Int?, limit: Int) async throws(ControlError)
        -> [QuarantineItem]

    /// - Returns: how many there were.
    func retryQuarantine(_ request: QuarantineRequest) async throws(ControlError) -> Int
    func dropQuarantine(_ request: QuarantineRequest) async throws(ControlError) -> Int
}

/// The status, and the number that changes whenever it does.
package struct StatusSnapshot: Sendable {
    package var reply: StatusReply
    package var revision: UInt64

    package init(_ reply: StatusReply, revision: UInt64) {
        self.reply = reply
        self.revision = revision
    }
}

/// Bytes of one stream, as they are.
package struct ReplayPiece: Sendable {
    package var stream: StreamName
    package var generation: Int
    /// Of the first byte, in the generation.
    package var offset: Int64
    package var bytes: [UInt8]

    package init(stream: StreamName, generation: Int, offset: Int64, bytes: [UInt8]) {
        self.stream = stream
        self.generation = generation
        self.offset = offset
        self.bytes = bytes
    }
}

/// Bytes of one object, as they are.
package struct BytePiece: Sendable {
    /// Of the first byte, in the object.
    package var offset: Int64
    package var bytes: [UInt8]

    package init(offset: Int64, bytes: [UInt8]) {
        self.offset = offset
        self.bytes = bytes
    }
}

/// Where a handler puts parts of an answer. May be used from any executor, by one task at a time.
package struct ReplySink<Element: Sendable>: Sendable {
    private let take: @Sendable (Element) async throws(ControlError) -> Void

    package init(_ take: @escaping @Sendable (Element) async throws(ControlError) -> Void) { self.take = take }

    /// Returns when there is room for more: a caller that does not read makes the handler wait.
    ///
    /// - Throws: `disconnected` when nobody reads any more, `busy` when the service stops. The handler passes it on.
    package func send(_ element: Element) async throws(ControlError) { try await take(element) }
}

extension ControlHandler {
    package func ready() async {}
}
