import Shared

extension Command {
    /// `ControlTool.main` comes here without the parser, which would say what it does not understand.
    static let capture = Command(
        "capture", "an agent's hook: reads the hook's JSON on standard input, prints nothing, always ends with 0",
        operands: [Operand("JSON", .word([]), isRequired: false)],
        options: [Option("state-dir", "DIR", "the daemon's state directory, if it has another than the usual one")]
    ) { (context) throws(ClientError) in
        var words: [String] = []
        for option in ["state-dir", "socket"] {
            if let value = context.invocation.value(option) { words += ["--\(option)", value] }
        }
        _ = HookCall.main(
            words + context.invocation.operands, environment: context.environment, now: context.now)
        return .done
    }
}
