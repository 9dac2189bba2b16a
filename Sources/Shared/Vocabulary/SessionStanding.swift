/// Whether anything of a session may leave this machine. Only of one that is `open` something does.
package enum SessionStanding: String, Sendable, Hashable, Codable, CaseIterable {
    case open
    /// Somebody said so, and may take it back.
    case `private`
    /// A rule of the configuration keeps it here.
    case excluded
    /// What the rules ask for is not known of it: it waits for somebody to say.
    case undecided
    /// What was put is deleted in every store, and nothing is put again. For good.
    case forgotten
}
