import Shared
import Synchronization

/// Answers that are lists: in replies of bounded size.
extension CallHarness {
    /// Sessions asked of the handler at a time.
    private static let pageSize = 100

    /// The longest run of `elements` whose reply is not too long, and that reply. One element alone is returned
    /// whatever its length.
    func page<Element>(
        _ elements: ArraySlice<Element>, _ encode: (ArraySlice<Element>) throws(ControlError) -> [UInt8]
    ) throws(ControlError) -> (rest: ArraySlice<Element>, frame: [UInt8]) {
        var count = elements.count
        while true {
            let frame = try encode(elements.prefix(count))
            if frame.count <= VarlinkFraming.longestReply || count <= 1 { return (elements.dropFirst(count), frame) }
            count /= 2
        }
    }

    func list(_ filter: SessionFilter, _ replies: CallReplies) async throws(ControlError) {
        var filter = filter
        while true {
            let found = try await handler.sessions(filter, limit: Self.pageSize + 1)
            let hasMore = found.count > Self.pageSize
            var items = found.prefix(Self.pageSize).map { $0.fitting(VarlinkFraming.longestReply / 2) }[...]
            repeat {
                let (rest, frame) = try page(items) { (run) throws(ControlError) in
                    let isLast = run.endIndex == items.endIndex && !hasMore
                    let reply = SessionPage(sessions: Array(run), next: isLast ? nil : run.last?.sid)
                    return try self.frame(VarlinkReply(reply, continues: replies.wantsMore && !isLast))
                }
                let isLast = rest.isEmpty && !hasMore
                try await replies.send(framed: frame, continues: replies.wantsMore && !isLast)
                if !replies.wantsMore || isLast { return }
                filter.after = items[rest.startIndex - 1].sid
                items = rest
            } while !items.isEmpty
        }
    }

    /// Such a page always fits a reply: an id has at most 512 bytes, six in JSON for each that JSON escapes.
    private static let privatesPerPage = 64

    func privates(_ first: SessionID?, _ replies: CallReplies) async throws(ControlError) {
        var after = first
        while true {
            let found = try await handler.privates(after: after, limit: Self.privatesPerPage + 1)
            let hasMore = found.count > Self.privatesPerPage
            let page = Array(found.prefix(Self.privatesPerPage))
            after = page.last?.sid
            let goesOn = hasMore && replies.wantsMore
            try await replies.send(PrivatePage(sessions: page, next: hasMore ? after : nil), continues: goesOn)
            if !goesOn { return }
        }
    }

    /// A reason may be a kilobyte, six in JSON for each byte that JSON escapes.
    private static let quarantinedPerPage = 16

    func quarantine(
        _ request: QuarantineRequest, _ first: Int?, _ replies: CallReplies
    ) async throws(ControlError) {
        var after = first
        while true {
            let found = try await handler.quarantine(request, after: after, limit: Self.quarantinedPerPage + 1)
            let hasMore = found.count > Self.quarantinedPerPage
            let page = Array(found.prefix(Self.quarantinedPerPage))
            after = page.last?.id
            let goesOn = hasMore && replies.wantsMore
            try await replies.send(QuarantinePage(segments: page, next: hasMore ? after : nil), continues: goesOn)
            if !goesOn { return }
        }
    }

    private enum Part {
        case stream(StreamDetail)
        case checkpoint(CheckpointItem)
        case segment(SegmentItem)
        case writer(WriterItem)
    }

    func describe(_ sid: SessionID, _ replies: CallReplies) async throws(ControlError) {
        let whole = try await handler.session(sid)
        var parts =
            (whole.streams.map { Part.stream($0) } + whole.writers.map { Part.writer($0) }
            + whole.checkpoints.map { Part.checkpoint($0) }
            + whole.segments.map { Part.segment($0) })[...]
        var session = whole.session?.fitting(VarlinkFraming.longestReply / 2)
        repeat {
            // A page of parts is at most that long; longer runs would be encoded only to be thrown away.
            let ahead = parts.prefix(400)
            let (rest, frame) = try page(ahead) { (run) throws(ControlError) in
                var detail = SessionDetail(session: session, streams: [], checkpoints: [], segments: [])
                for part in run {
                    switch part {
                    case .stream(let stream): detail.streams.append(stream)
                    case .checkpoint(let checkpoint): detail.checkpoints.append(checkpoint)
                    case .segment(let segment): detail.segments.append(segment)
                    case .writer(let writer): detail.writers.append(writer)
                    }
                }
                let left = parts.endIndex - run.endIndex
                detail.leftOut = replies.wantsMore ? 0 : left
                return try self.frame(VarlinkReply(detail, continues: replies.wantsMore && left > 0))
            }
            parts = parts[rest.startIndex...]
            try await replies.send(framed: frame, continues: replies.wantsMore && !parts.isEmpty)
            session = nil
        } while replies.wantsMore && !parts.isEmpty
    }

    func verify(_ request: VerifyRequest, _ replies: CallReplies) async throws(ControlError) {
        let bad = BadRanges()
        let summary = try await handler.verify(
            request,
            to: ReplySink { (ranges) throws(ControlError) in
                guard replies.wantsMore else { return bad.add(ranges) }
                var ranges = ranges[...]
                while !ranges.isEmpty {
                    let (rest, frame) = try page(ranges.prefix(400)) { (run) throws(ControlError) in
                        try self.frame(VarlinkReply(VerifyReply(ranges: Array(run)), continues: true))
                    }
                    ranges = ranges[rest.startIndex...]
                    try await replies.send(framed: frame, continues: true)
                }
            })
        let (_, frame) = try page(bad.ranges[...]) { (run) throws(ControlError) in
            try self.frame(VarlinkReply(VerifyReply(ranges: Array(run), summary: summary)))
        }
        try await replies.send(framed: frame)
    }
}

/// What a caller hears that takes one reply only.
private final class BadRanges: Sendable {
    /// More than fit a reply.
    private static let most = 2_000
    private let kept = Mutex<[VerifiedRange]>([])

    func add(_ ranges: [VerifiedRange]) {
        kept.withLock { kept in
            kept.append(contentsOf: ranges.lazy.filter { $0.state.isBad }.prefix(Self.most - kept.count))
        }
    }

    var ranges: [VerifiedRange] { kept.withLock { $0 } }
}

extension SessionItem {
    /// The item with its texts cut, so that it fits a reply: they are for a list; `show` and the manifest have them whole.
    func fitting(_ limit: Int) -> SessionItem {
        var item = self
        item.facts.title = title(facts.title)
        item.facts.firstUserMessage = title(facts.firstUserMessage)
        item.facts.summary = title(facts.summary)
        item.facts.cwds = facts.cwds.map { Array($0.prefix(16)) }
        item.facts.branches = facts.branches.map { Array($0.prefix(64)) }
        item.facts.models = facts.models.map { Array($0.prefix(64)) }
        item.facts.links = facts.links.map { Array($0.prefix(64)) }
        if item.length <= limit { return item }
        item.facts.git = nil
        item.facts.links = nil
        if item.length <= limit { return item }
        item.streams = Array(streams.prefix(64))
        return item
    }

    private func title(_ text: String?) -> String? {
        guard let text, text.utf8.count > 2_000 else { return text }
        return text.unicodeScalars.prefix(500).reduce(into: "") { $0.unicodeScalars.append($1) } + "…"
    }

    /// About how many bytes it is as JSON, where its length is not bounded by what a path or a name can be.
    private var length: Int {
        var length = 20_000 + streams.reduce(0) { $0 + $1.rawValue.utf8.count + 3 }
        for value in (facts.links ?? []) + [facts.git].compactMap({ $0 }) { length += value.length }
        return length
    }
}

extension JSONValue {
    fileprivate var length: Int {
        switch self {
        case .null, .bool, .integer, .unsigned, .number: 24
        // A control character becomes six.
        case .string(let text): text.utf8.count * 6 + 2
        case .array(let values): values.reduce(2) { $0 + $1.length + 1 }
        case .object(let members): members.reduce(2) { $0 + $1.key.utf8.count * 6 + $1.value.length + 4 }
        }
    }
}
