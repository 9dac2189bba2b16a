/// Whether anything of a session may leave this machine. Only of one that is `open` something does.
package enum SessionStanding: String, Sendable, Hashable, Codable, CaseIterable {
    case open
    /// Somebody said so, and may take it back.
    case `private`
    /// What was put is deleted in every store, and nothing is put again. For good.
    case forgotten
}
