/// Why an age file cannot be read. None of them says anything of a key or of the text.
package enum AgeFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// What stands at its beginning is no header of age v1.
    case header(String)
    /// It is encrypted, but to nobody whose identity is here.
    case notForUs
    /// The header was changed by somebody who has no key.
    case forged
    /// Chunks are cut off, changed, in another order, or too many.
    case payload(String)

    package var description: String {
        switch self {
        case .header(let why): "its age header \(why)"
        case .notForUs: "it is encrypted to others than this identity"
        case .forged: "its age header was changed"
        case .payload(let why): why
        }
    }
}
