import Shared

extension CallHarness {
    /// Entries asked of the handler at a time.
    private static let auditedAtOnce = 256

    func audit(_ request: AuditRequest, _ replies: CallReplies) async throws(ControlError) {
        var request = request
        var limit = Self.auditedAtOnce
        while true {
            let page = try await handler.audit(request, limit: limit)
            let goesOn = page.next != nil && replies.wantsMore
            let frame = try frame(VarlinkReply(page, continues: goesOn))
            // Ids and paths may be long. The handler is asked for fewer: only it knows where a shorter page ends.
            if frame.count > VarlinkFraming.longestReply, limit > 1 {
                limit /= 4
                continue
            }
            try await replies.send(framed: frame, continues: goesOn)
            if !goesOn { return }
            request.after = page.next
        }
    }
}
