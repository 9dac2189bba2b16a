/// What would be removed from a line of a file, as `uploaderd --redact` says it and `uploaderctl redact` shows it:
///
///     {"begins":"ghp_","bytes":40,"line":12,"offset":345,"rule":"github-token","type":"github_token"}
///     {"bytes":1048576,"line":13,"offset":0,"withheld":"redaction_failed"}
package struct FoundSecret: Codable, Hashable, Sendable {
    /// From 1.
    package var line: Int
    /// Of its first byte, in the line.
    package var offset: Int
    package var bytes: Int
    package var rule: String?
    package var type: String?
    /// So little of it that one knows which is meant; nothing of a short one.
    package var begins: String?
    /// The whole line would be kept back, for this reason; there is no rule then.
    package var withheld: String?

    package init(
        line: Int, offset: Int, bytes: Int, rule: String? = nil, type: String? = nil, begins: String? = nil,
        withheld: String? = nil
    ) {
        self.line = line
        self.offset = offset
        self.bytes = bytes
        self.rule = rule
        self.type = type
        self.begins = begins
        self.withheld = withheld
    }
}
