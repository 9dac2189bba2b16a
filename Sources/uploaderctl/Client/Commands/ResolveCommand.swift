import Shared

extension Command {
    static let resolve = Command(
        "resolve", "the bytes that a pointer of codetether's leads to, to standard output",
        operands: [Operand("POINTER", .word([]))],
        options: [Option("raw", nil, "to a terminal as they are, without escaping what could steer it")]
    ) { (context) throws(ClientError) in
        let text = context.invocation.operands[0]
        let form = #"such as {"bucket":"b","key":"sessions/SID/history.jsonl","byte_range":[0,100]}"#
        let value: JSONValue
        do { value = try JSONText.decode(JSONValue.self, from: Array(text.utf8)) } catch {
            throw ClientError(.usage, "“\(TerminalText.escaped(text))” is no JSON", hint: form)
        }
        guard let pointer = PointerHandle(value) else {
            throw ClientError(.usage, "“\(TerminalText.escaped(text))” is no pointer", hint: form)
        }
        let daemon = try context.connect()
        let request = ControlRequest.resolve(pointer)
        if context.json {
            try daemon.ask(request, for: "resolve") { (reply) throws(ClientError) in
                try context.writeJSON(reply.parameters)
            }
        } else if context.console.isTerminal, !context.invocation.has("raw") {
            var escaper = TerminalEscaper()
            let _: ResolveReply = try daemon.pour(request, for: "resolve") { (bytes) throws(ClientError) in
                try escaper.escaped(bytes).withBytes { (text) throws(ClientError) in try context.console.write(text) }
            }
            try escaper.end().withBytes { (text) throws(ClientError) in try context.console.write(text) }
        } else {
            let _: ResolveReply = try daemon.pour(request, for: "resolve") { (bytes) throws(ClientError) in
                try context.console.write(bytes)
            }
        }
        return .done
    }
}
