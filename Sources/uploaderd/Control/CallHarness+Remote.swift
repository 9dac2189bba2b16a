import Shared

extension CallHarness {
    func remoteSessions(_ request: RemoteRequest, _ replies: CallReplies) async throws(ControlError) {
        guard replies.wantsMore else {
            throw ControlError(.expectedMore, "what stores have comes in several replies")
        }
        try await handler.remoteSessions(
            request,
            to: ReplySink { (page) throws(ControlError) in
                var left = page.sessions.map { session in
                    var session = session
                    session.session = session.session.fitting(VarlinkFraming.longestReply / 2)
                    return session
                }[...]
                while !left.isEmpty {
                    let (rest, frame) = try self.page(left) { (run) throws(ControlError) in
                        try self.frame(VarlinkReply(RemotePage(sessions: Array(run)), continues: true))
                    }
                    left = left[rest.startIndex...]
                    try await replies.send(framed: frame, continues: true)
                }
                for sentence in page.unread { try await replies.send(RemotePage(unread: [sentence]), continues: true) }
            })
        try await replies.send(RemotePage())
    }
}
