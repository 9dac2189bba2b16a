/// What is looked for and removed. Immutable: a reload makes another.
package struct RedactionRules: Sendable {
    /// A digest of all that decides what a line becomes, or `none`: `rules` of a segment.
    package let digest: String

    /// Every line passes as it is.
    package static let none = RedactionRules(digest: "none")

    private init(digest: String) { self.digest = digest }
}
