/// An error that knows its cure. Every room's error is one, so that whoever shows an error need not know the room.
package protocol HintedError: Error, CustomStringConvertible {
    var hint: String? { get }
    /// Somebody has to change something first: another daemon, a newer catalog, a name that is taken.
    var isUsersToMend: Bool { get }
}

extension HintedError {
    package var isUsersToMend: Bool { false }
}
