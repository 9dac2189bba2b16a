/// A call of `io.uploaderd.Control`, understood: every method, with parameters that have been checked.
package enum ControlRequest: Hashable, Sendable {
    case getStatus
    case listSessions(SessionFilter)
    case describeSession(SessionID)
    case replay(ReplayRequest)
    case resolve(PointerHandle)
    case verify(VerifyRequest)
    case flush(FlushRequest)
    case addPrivate(SessionID)
    case removePrivate(SessionID)
    case listPrivate(after: SessionID?)
    case forget(SessionID)
    case capture(CapturedEvent)
    case importQueue(ImportQueueRequest)
    case reload
    case showConfiguration
    case addLink(AddLinkRequest)
    case audit(AuditRequest)
    case listRemoteSessions(RemoteRequest)
    case importSession(ImportSessionRequest)
    case resend(ResendRequest)
    case pause(String?)
    case resume(String?)
    case setLimit(LimitRequest)
    case listQuarantine(QuarantineRequest, after: Int?)
    case retryQuarantine(QuarantineRequest)
    case dropQuarantine(QuarantineRequest)

    /// Whether the engine answers it, so that it waits while a reload puts another one in place. Of `reload` the daemon itself says
    /// when its turn is.
    package var needsEngine: Bool {
        switch self {
        case .flush, .addPrivate, .removePrivate, .forget, .capture, .importQueue, .addLink, .importSession, .resend,
            .pause, .resume, .setLimit, .retryQuarantine, .dropQuarantine:
            true
        case .getStatus, .listSessions, .describeSession, .replay, .resolve, .verify, .listPrivate, .audit,
            .listRemoteSessions,
            .listQuarantine:
            true
        case .reload, .showConfiguration: false
        }
    }

    /// - Throws: `methodNotFound`, or `invalidParameter` with the name of the one that is missing, wrong or unknown.
    package init(_ call: VarlinkCall) throws(ControlError) {
        var reader = ParameterReader(call.parameters)
        switch call.name {
        case "GetStatus": self = .getStatus
        case "ListSessions":
            self = .listSessions(
                SessionFilter(
                    agent: try reader.agent("agent"), since: try reader.time("since"),
                    atRisk: try reader.truth("at_risk") ?? false, isPrivate: try reader.truth("private") ?? false,
                    after: try reader.session("after")))
        case "DescribeSession": self = .describeSession(try reader.required(reader.session("sid"), "sid"))
        case "Replay":
            self = .replay(
                ReplayRequest(
                    sid: try reader.required(reader.session("sid"), "sid"),
                    toCheckpoint: try reader.text("to_checkpoint").map { CheckpointChoice($0) },
                    lines: try reader.lines("lines"), stream: try reader.stream("stream") ?? .main,
                    generation: try reader.count("generation"), from: try reader.text("from"),
                    follow: try reader.truth("follow") ?? false, maxLines: try reader.count("max_lines")))
        case "Resolve": self = .resolve(try reader.required(reader.pointer("pointer"), "pointer"))
        case "Verify":
            self = .verify(
                VerifyRequest(
                    sid: try reader.session("sid"), deep: try reader.truth("deep") ?? false,
                    sample: try reader.sample("sample")))
        case "Flush":
            let sid = try reader.session("sid")
            let path = try reader.text("path")
            // Not an absolute path: the daemon's working directory is nobody's business.
            if let path, !path.hasPrefix("/") || sid != nil || path.utf8.contains(0) {
                throw .invalidParameter("path")
            }
            let scope: FlushRequest.Scope = sid.map { .session($0) } ?? path.map { .file($0) } ?? .everything
            self = .flush(FlushRequest(scope, wait: try reader.truth("wait") ?? false))
        case "AddPrivate": self = .addPrivate(try reader.required(reader.session("sid"), "sid"))
        case "RemovePrivate": self = .removePrivate(try reader.required(reader.session("sid"), "sid"))
        case "ListPrivate": self = .listPrivate(after: try reader.session("after"))
        case "Forget": self = .forget(try reader.required(reader.session("sid"), "sid"))
        case "Capture": self = .capture(try reader.required(reader.event("event"), "event"))
        case "ImportQueue":
            self = .importQueue(
                ImportQueueRequest(
                    try reader.required(reader.origin("origin"), "origin"),
                    try reader.required(reader.queued("sessions"), "sessions")))
        case "Reload": self = .reload
        case "ShowConfiguration": self = .showConfiguration
        case "AddLink":
            let (sid, url) = (try reader.required(reader.session("sid"), "sid"), try reader.text("url") ?? "")
            let title = try reader.text("title")
            guard let request = AddLinkRequest(sid: sid, url: url, title: title) else {
                throw .invalidParameter(AddLinkRequest.isPage(url) ? "title" : "url")
            }
            self = .addLink(request)
        case "Audit":
            self = .audit(
                AuditRequest(
                    since: try reader.time("since"), destination: try reader.text("destination"),
                    sid: try reader.session("sid"), after: try reader.text("after")))
        case "ListRemoteSessions":
            self = .listRemoteSessions(
                RemoteRequest(
                    destination: try reader.text("destination"), agent: try reader.agent("agent"),
                    since: try reader.time("since")))
        case "ImportSession":
            let path = try reader.required(reader.text("path"), "path")
            guard CapturedEvent.isPath(path) else { throw .invalidParameter("path") }
            self = .importSession(
                ImportSessionRequest(
                    sid: try reader.required(reader.session("sid"), "sid"),
                    agent: try reader.required(reader.agent("agent"), "agent"), path: path))
        case "Resend":
            let (sid, destination) = (try reader.session("sid"), try reader.text("destination"))
            if try reader.truth("redact") ?? false {
                if destination != nil { throw .invalidParameter("destination") }
                self = .resend(ResendRequest(.redacted(sid)))
            } else {
                guard let sid else { throw .invalidParameter("sid") }
                self = .resend(ResendRequest(.again(sid, destination: destination)))
            }
        case "Pause": self = .pause(try reader.text("destination"))
        case "Resume": self = .resume(try reader.text("destination"))
        case "SetLimit":
            self = .setLimit(LimitRequest(rate: try reader.rate("rate"), destination: try reader.text("destination")))
        case "ListQuarantine":
            self = .listQuarantine(
                QuarantineRequest(sid: try reader.session("sid"), destination: try reader.text("destination")),
                after: try reader.count("after"))
        case "RetryQuarantine": self = .retryQuarantine(try reader.quarantined())
        case "DropQuarantine": self = .dropQuarantine(try reader.quarantined())
        default: throw ControlError(.methodNotFound(call.method), "there is no method \(call.method)")
        }
        try reader.end()
    }

    /// The call that a client sends.
    package func call(more: Bool = false) -> VarlinkCall {
        var parameters: [String: JSONValue] = [:]
        func put(_ name: String, _ text: String?) { if let text { parameters[name] = .string(text) } }
        func put(_ name: String, _ count: Int?) { if let count { parameters[name] = .integer(Int64(count)) } }
        func put(_ name: String, _ truth: Bool) { if truth { parameters[name] = .bool(true) } }
        let name: String
        switch self {
        case .getStatus: name = "GetStatus"
        case .listSessions(let filter):
            name = "ListSessions"
            put("agent", filter.agent?.rawValue)
            put("since", filter.since.map { RFC3339.text($0) })
            put("at_risk", filter.atRisk)
            put("private", filter.isPrivate)
            put("after", filter.after?.rawValue)
        case .describeSession(let sid):
            name = "DescribeSession"
            put("sid", sid.rawValue)
        case .replay(let request):
            name = "Replay"
            put("sid", request.sid.rawValue)
            put("to_checkpoint", request.toCheckpoint?.text)
            if let lines = request.lines {
                var range: [String: JSONValue] = ["first": .integer(Int64(lines.first))]
                if let last = lines.last { range["last"] = .integer(Int64(last)) }
                parameters["lines"] = .object(range)
            }
            if request.stream != .main { put("stream", request.stream.rawValue) }
            put("generation", request.generation)
            put("from", request.from)
            put("follow", request.follow)
            put("max_lines", request.maxLines)
        case .resolve(let pointer):
            name = "Resolve"
            parameters["pointer"] = pointer.value
        case .verify(let request):
            name = "Verify"
            put("sid", request.sid?.rawValue)
            put("deep", request.deep)
            put("sample", request.sample?.text)
        case .flush(let request):
            name = "Flush"
            switch request.scope {
            case .everything: break
            case .session(let sid): put("sid", sid.rawValue)
            case .file(let path): put("path", path)
            }
            put("wait", request.wait)
        case .addPrivate(let sid):
            name = "AddPrivate"
            put("sid", sid.rawValue)
        case .removePrivate(let sid):
            name = "RemovePrivate"
            put("sid", sid.rawValue)
        case .listPrivate(let after):
            name = "ListPrivate"
            put("after", after?.rawValue)
        case .forget(let sid):
            name = "Forget"
            put("sid", sid.rawValue)
        case .capture(let event):
            name = "Capture"
            parameters["event"] = event.json
        case .importQueue(let request):
            name = "ImportQueue"
            put("origin", request.origin.rawValue)
            parameters["sessions"] = .array(request.sessions.map(\.json))
        case .reload: name = "Reload"
        case .showConfiguration: name = "ShowConfiguration"
        case .addLink(let request):
            name = "AddLink"
            put("sid", request.sid.rawValue)
            put("url", request.url)
            put("title", request.title)
        case .audit(let request):
            name = "Audit"
            put("since", request.since.map { RFC3339.text($0) })
            put("destination", request.destination)
            put("sid", request.sid?.rawValue)
            put("after", request.after)
        case .listRemoteSessions(let request):
            name = "ListRemoteSessions"
            put("destination", request.destination)
            put("agent", request.agent?.rawValue)
            put("since", request.since.map { RFC3339.text($0) })
        case .importSession(let request):
            name = "ImportSession"
            put("sid", request.sid.rawValue)
            put("agent", request.agent.rawValue)
            put("path", request.path)
        case .resend(let request):
            name = "Resend"
            switch request.kind {
            case .again(let sid, let destination):
                put("sid", sid.rawValue)
                put("destination", destination)
            case .redacted(let sid):
                put("sid", sid?.rawValue)
                put("redact", true)
            }
        case .pause(let destination):
            name = "Pause"
            put("destination", destination)
        case .resume(let destination):
            name = "Resume"
            put("destination", destination)
        case .setLimit(let request):
            name = "SetLimit"
            put("rate", request.rate?.text)
            put("destination", request.destination)
        case .listQuarantine(let request, let after):
            name = "ListQuarantine"
            put("sid", request.sid?.rawValue)
            put("destination", request.destination)
            put("after", after)
        case .retryQuarantine(let request), .dropQuarantine(let request):
            if case .retryQuarantine = self { name = "RetryQuarantine" } else { name = "DropQuarantine" }
            put("id", request.id)
            put("sid", request.sid?.rawValue)
            put("destination", request.destination)
        }
        return VarlinkCall("\(ControlInterface.name).\(name)", parameters, more: more)
    }
}
