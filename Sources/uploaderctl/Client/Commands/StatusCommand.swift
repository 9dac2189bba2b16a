import Shared

extension Command {
    /// Exit code 1 when anything is unhealthy.
    static let status = Command(
        "status", "one screen: is it healthy, what is not safe yet, and why",
        options: [Option("watch", nil, "go on, whenever something changes")]
    ) { (context) throws(ClientError) in
        let daemon = try context.connect()
        guard context.invocation.has("watch") else {
            let status: StatusReply = try daemon.ask(.getStatus, for: "status")
            try show(status, context)
            return status.health.isEmpty ? .done : .no
        }
        daemon.waitWhileRead(context.console)
        try daemon.ask(.getStatus, for: "status") { (reply) throws(ClientError) in
            let status: StatusReply = try daemon.decoded(reply)
            // From the top left corner, and what is below goes away.
            if context.console.isTerminal, !context.json, !context.quiet {
                try context.console.write("\u{1B}[H\u{1B}[J")
            }
            try show(status, context)
        }
        return .done
    }

    private static func show(_ status: StatusReply, _ context: Context) throws(ClientError) {
        if context.json { return try context.writeJSON(status) }
        guard !context.quiet else { return }
        try context.console.write(StatusScreen(status, width: context.width, paint: context.paint).text)
    }
}
