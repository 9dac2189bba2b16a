import Shared

/// Why rules cannot be used.
package struct RedactionError: Error, CustomStringConvertible, HintedError {
    package enum Code: Sendable {
        /// A rule is not understood, or is not one that could be kept in bounds.
        case badRule
        /// Neither the machine nor the memory for it.
        case noEngine
    }

    package let code: Code
    package let message: String
    package let hint: String?

    package init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    package var description: String { message }
}
