import Shared

extension Command {
    static let link = Command(
        "link", "keeps the address of a page with the session: a pull request, a commit",
        operands: [Operand("SESSION", .session), Operand("URL", .word([]))],
        options: [Option("title", "TEXT", "what the page is called")]
    ) { (context) throws(ClientError) in
        let sid = try context.session()
        let url = context.invocation.operands[1]
        guard AddLinkRequest.isPage(url) else {
            throw ClientError(
                .usage, "“\(TerminalText.escaped(url))” is no address of a page",
                hint: "write it as https://github.com/OWNER/REPOSITORY/pull/7, without a password")
        }
        guard let request = AddLinkRequest(sid: sid, url: url, title: context.invocation.value("title")) else {
            throw ClientError(
                .usage, "the title is empty, too long or has control characters", hint: "512 bytes at most")
        }
        let reply: AddLinkReply = try context.connect().ask(.addLink(request), for: "link")
        if context.json { try context.writeJSON(reply) }
        let name = TerminalText.escaped(sid.rawValue)
        try context.say(
            reply.changed ? "the link is kept with session \(name)" : "session \(name) has that link already")
        return .done
    }
}
