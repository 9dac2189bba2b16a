package import Shared

/// Where an S3 destination's keys come from.
package protocol S3KeySource: Sendable {
    /// The keys as they are there now. Two sources that tests use are a file and a value; services are others.
    func keys() async throws(DeliveryError) -> S3Keys
}

/// Keys that never change: from a flag or a variable.
package struct GivenS3Keys: S3KeySource {
    private let given: S3Keys?

    /// - Parameter secret: two or three lines.
    package init(_ secret: Secret) { given = S3Keys(lines: Array(secret.revealed.utf8)) }
    package init(_ keys: S3Keys) { given = keys }

    package func keys() throws(DeliveryError) -> S3Keys {
        guard let given else {
            throw DeliveryError(
                .authentication, "the credentials are not a key's id and its secret", hint: "give both, on two lines")
        }
        return given
    }
}

typealias S3KeyRing = KeyRing<S3Keys>

extension KeyRing where Keys == S3Keys {
    convenience init(_ source: any S3KeySource, time: any TimeSource) {
        self.init(time: time) { () async throws(DeliveryError) in try await source.keys() }
    }
}

extension S3Keys: RefusableKeys {}
