import Shared

extension Command {
    /// Exit code 1 when anything is missing or damaged.
    static let verify = Command(
        "verify", "whether every line is where it should be",
        operands: [Operand("SESSION", .session, isRequired: false)],
        options: [
            Option("deep", nil, "read the objects back and compare them"),
            Option("sample", "N/T", "read back the N-th of T parts of all objects, and look at no other"),
        ]
    ) { (context) throws(ClientError) in
        var request = VerifyRequest(deep: context.invocation.has("deep"))
        if !context.invocation.operands.isEmpty { request.sid = try context.session() }
        if let text = context.invocation.value("sample") {
            guard let sample = VerifySample(text) else {
                throw ClientError(.usage, "“\(text)” is no sample", hint: "such as 1/10: the first of ten parts")
            }
            request.sample = sample
        }
        let daemon = try context.connect()
        var bad: [VerifiedRange] = []
        var summary: VerifySummary?
        try daemon.ask(.verify(request), for: "verify") { (reply) throws(ClientError) in
            let part: VerifyReply = try daemon.decoded(reply)
            if context.json {
                for range in part.ranges { try context.writeJSON(range) }
            }
            bad += part.ranges.filter { $0.state.isBad }
            summary = part.summary ?? summary
        }
        guard let summary else { throw ClientError(.failed, "the daemon did not say how the verification ended") }
        if context.json {
            try context.writeJSON(["summary": summary])
        } else if !context.quiet {
            try context.console.write(VerifyText.text(bad: bad, summary, width: context.width, paint: context.paint))
        }
        return summary.isGood ? .done : .no
    }
}
