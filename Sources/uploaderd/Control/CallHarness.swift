import LinuxSystem
import Shared
import Synchronization

/// Turns a call into a call of the handler, and what comes back into replies. Knows Varlink; knows nothing of sessions.
struct CallHarness: Sendable {
    let handler: any ControlHandler
    let time: any TimeSource
    let limits: ControlLimits

    /// Answers the call, whatever happens.
    func serve(_ call: VarlinkCall, passed: PassedDescriptor?, on connection: ControlConnection) async {
        let replies = CallReplies(call: call, connection: connection, harness: self)
        do throws(ControlError) {
            switch call.interface {
            case ControlInterface.serviceName: try await introspect(call, replies)
            case ControlInterface.name: try await answer(try ControlRequest(call), passed, replies)
            case "": throw .invalidParameter("method")
            default: throw ControlError(.interfaceNotFound(call.interface), "no interface \(call.interface)")
            }
        } catch {
            await replies.fail(error)
        }
    }

    /// `org.varlink.service`: what this service is, and what it can be asked.
    private func introspect(_ call: VarlinkCall, _ replies: CallReplies) async throws(ControlError) {
        switch call.name {
        case "GetInfo": try await replies.send(ServiceInfo())
        case "GetInterfaceDescription":
            guard let name = call.parameters["interface"]?.text else { throw .invalidParameter("interface") }
            let text: String
            switch name {
            case ControlInterface.name: text = ControlInterface.text
            case ControlInterface.serviceName: text = ControlInterface.serviceText
            default: throw ControlError(.interfaceNotFound(name), "no interface \(name)")
            }
            try await replies.send(["description": text])
        default: throw ControlError(.methodNotFound(call.method), "no method \(call.method)")
        }
    }

    /// Takes what is sent before the last reply: for whoever wants more, and not too often.
    private func progress<Reply: Encodable & Sendable>(_ replies: CallReplies) -> ReplySink<Reply> {
        let updates = Updates(time: time, between: limits.betweenUpdates)
        return ReplySink { (reply) throws(ControlError) in
            if replies.wantsMore, updates.isDue() { try await replies.send(reply, continues: true) }
        }
    }

    private func answer(
        _ request: ControlRequest, _ passed: PassedDescriptor?, _ replies: CallReplies
    ) async throws(ControlError) {
        if request.needsEngine { await handler.ready() }
        switch request {
        case .getStatus: try await status(replies)
        case .listSessions(let filter): try await list(filter, replies)
        case .describeSession(let sid): try await describe(sid, replies)
        case .replay(let request): try await replay(request, passed, replies)
        case .resolve(let pointer): try await resolve(pointer, passed, replies)
        case .verify(let request): try await verify(request, replies)
        case .flush(let request):
            try await replies.send(try await handler.flush(request, passed: passed, progress: progress(replies)))
        case .addPrivate(let sid):
            try await replies.send(try await handler.addPrivate(sid, progress: progress(replies)))
        case .removePrivate(let sid): try await replies.send(try await handler.removePrivate(sid))
        case .listPrivate(let after): try await privates(after, replies)
        case .forget(let sid):
            try await replies.send(try await handler.forget(sid, progress: progress(replies)))
        case .capture(let event):
            try await handler.capture(event)
            try await replies.send(CaptureReply())
        case .importQueue(let request): try await replies.send(try await handler.importQueue(request))
        case .reload: try await replies.send(try await handler.reload())
        case .showConfiguration: try await replies.send(try await handler.configuration())
        case .addLink(let request): try await replies.send(try await handler.addLink(request))
        case .audit(let request): try await audit(request, replies)
        case .listRemoteSessions(let request): try await remoteSessions(request, replies)
        case .importSession(let request):
            try await replies.send(try await handler.importSession(request, passed: passed))
        case .resend(let request):
            try await replies.send(try await handler.resend(request, progress: progress(replies)))
        case .pause(let destination): try await replies.send(try await handler.pause(destination))
        case .resume(let destination): try await replies.send(try await handler.resume(destination))
        case .setLimit(let request): try await replies.send(try await handler.limit(request))
        case .listQuarantine(let request, let after): try await quarantine(request, after, replies)
        case .retryQuarantine(let request):
            try await replies.send(QuarantineCount(segments: try await handler.retryQuarantine(request)))
        case .dropQuarantine(let request):
            try await replies.send(QuarantineCount(segments: try await handler.dropQuarantine(request)))
        }
    }

    /// With `more`, until the caller goes away: a reply for every change, but not more often than `betweenUpdates`.
    private func status(_ replies: CallReplies) async throws(ControlError) {
        var snapshot = try await handler.status()
        guard replies.wantsMore else { return try await replies.send(snapshot.reply) }
        while true {
            try await replies.send(snapshot.reply, continues: true)
            let earliest = time.now + limits.betweenUpdates
            do {
                try await handler.statusChange(after: snapshot.revision)
                try await time.sleep(until: earliest)
            } catch {
                // The service stops, or the caller left and the reply meets nobody.
                return try await replies.send(try await handler.status().reply)
            }
            snapshot = try await handler.status()
        }
    }

    // MARK: Frames

    /// The reply's bytes with their NUL.
    func frame(_ reply: some Encodable) throws(ControlError) -> [UInt8] {
        do {
            return VarlinkFraming.framed(try JSONText.encode(reply))
        } catch {
            throw ControlError(.backendError, "the answer could not be written as JSON", cause: "\(error)")
        }
    }

    func frame(of error: ControlError) -> [UInt8] {
        do throws(ControlError) {
            return try frame(VarlinkFault(error))
        } catch {
            // Texts and whole numbers always become JSON; without that there is nothing that could be said.
            return VarlinkFraming.framed(Array(#"{"error":"\#(ControlInterface.name).BadRequest"}"#.utf8))
        }
    }
}

/// The way back of one call. A call that wants no reply gets none, not even an error.
struct CallReplies: Sendable {
    let call: VarlinkCall
    let connection: ControlConnection
    let harness: CallHarness

    var wantsMore: Bool { call.more && !call.oneway }

    /// Returns when the peer has taken the reply.
    func send<Parameters: Encodable & Sendable>(
        _ parameters: Parameters, continues: Bool = false
    ) async throws(ControlError) {
        guard !call.oneway else { return }
        try await send(framed: try harness.frame(VarlinkReply(parameters, continues: continues)), continues: continues)
    }

    func send(framed frame: [UInt8], continues: Bool = false) async throws(ControlError) {
        guard !call.oneway else { return }
        guard frame.count <= VarlinkFraming.longestReply + 1 else {
            throw ControlError(.backendError, "the answer is longer than a reply may be")
        }
        if continues, await connection.isStopping { throw ControlError(.busy, "the service is stopping") }
        try await connection.send(frame)
    }

    func fail(_ error: ControlError) async {
        guard !call.oneway else { return }
        do throws(ControlError) {
            try await connection.send(harness.frame(of: error))
        } catch {
            // The caller is gone: nobody is left who wants to know.
        }
    }
}

/// Whether it is time to tell how far something is. Only one task asks.
final class Updates: Sendable {
    private let time: any TimeSource
    private let between: Duration
    private let next = Mutex<Instant?>(nil)

    init(time: any TimeSource, between: Duration) {
        self.time = time
        self.between = between
    }

    func isDue() -> Bool {
        let now = time.now
        return next.withLock { next in
            if let next, now < next { return false }
            next = now + between
            return true
        }
    }
}
