import Shared

extension Command {
    private static let destination = Operand("DEST", .word([]), isRequired: false)

    static let pause = Command(
        "pause", "nothing more is delivered, there or anywhere, until resume; what is under way ends",
        operands: [destination]
    ) { (context) throws(ClientError) in
        let reply: PauseReply = try context.connect().ask(.pause(context.invocation.operands.first), for: "pause")
        if context.json { try context.writeJSON(reply) }
        try context.say(
            reply.changed.isEmpty
                ? "it was paused already"
                : "paused: \(names(reply.changed)); what is new waits in the spool until uploaderctl resume")
        return .done
    }

    static let resume = Command("resume", "delivery goes on", operands: [destination]) {
        (context) throws(ClientError) in
        let reply: PauseReply = try context.connect().ask(.resume(context.invocation.operands.first), for: "resume")
        if context.json { try context.writeJSON(reply) }
        try context.say(reply.changed.isEmpty ? "it was not paused" : "resumed: \(names(reply.changed))")
        if !reply.paused.isEmpty { try context.say("still paused: \(names(reply.paused))") }
        return .done
    }

    static let limit = Command(
        "limit", "how fast may be sent, to one destination or to all together: such as 2MiB/s, or off",
        operands: [Operand("RATE", .word(["off"]), isRequired: false), destination]
    ) { (context) throws(ClientError) in
        var request = LimitRequest()
        if let text = context.invocation.operands.first {
            guard let rate = TransferRate(text) else {
                throw ClientError(
                    .usage, "“\(TerminalText.escaped(text))” is no rate", hint: "write 512KiB/s, 2MiB/s or off")
            }
            request.rate = rate
            request.destination = context.invocation.operands.dropFirst().first
        }
        let reply: LimitReply = try context.connect().ask(.setLimit(request), for: "limit")
        if context.json {
            for limit in reply.limits { try context.writeJSON(limit) }
            return .done
        }
        var table = TextTable([.init("DESTINATION"), .init("LIMIT")])
        for limit in reply.limits {
            let rate = TransferRate(bytesPerSecond: limit.limit.map { ByteCount($0) })
            table.add([limit.destination ?? "(all together)", rate.text])
        }
        if !context.quiet { try context.console.write(table.text(width: context.width, paint: context.paint)) }
        return .done
    }

    private static func names(_ all: [String]) -> String { TerminalText.escaped(all.joined(separator: ", ")) }
}
