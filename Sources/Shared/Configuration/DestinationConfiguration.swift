/// The kinds of stores and servers that a segment can be delivered to.
package enum DestinationType: String, Sendable, CaseIterable {
    case directory, s3, supabase, presigned, confab, agnes, history

    /// Those that this version can deliver to; adding one is one word here.
    package static let available: [DestinationType] = [
        .directory, .s3, .presigned,
        .supabase,
        .confab,
        .agnes,
        .history,
    ]
}

/// Where a destination is, by its type.
package enum DestinationPlace: Hashable, Sendable {
    case directory(path: String, prefix: String)
    case s3(BucketPlace)
    /// - Parameter signsUploads: uploads carry a token for their object alone instead of the key.
    case supabase(url: String, bucket: String, prefix: String, signsUploads: Bool)
    case presigned(url: String, prefix: String)
    case confab(url: String)
    case agnes(url: String)
    case history(BucketPlace)

    package var type: DestinationType {
        switch self {
        case .directory: .directory
        case .s3: .s3
        case .supabase: .supabase
        case .presigned: .presigned
        case .confab: .confab
        case .agnes: .agnes
        case .history: .history
        }
    }
}

/// A bucket of an S3 server.
package struct BucketPlace: Hashable, Sendable {
    /// `https://host[:port]`.
    package var endpoint: String
    package var bucket: String
    /// Empty, or ends in a slash.
    package var prefix: String
    package var region: String
    package var pathStyle: Bool

    package init(endpoint: String, bucket: String, prefix: String, region: String, pathStyle: Bool) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.prefix = prefix
        self.region = region
        self.pathStyle = pathStyle
    }
}

/// Where a destination's secret is. A file is read when it is needed, so that a new key needs no restart.
package enum CredentialsSource: Hashable, Sendable {
    /// Below $CREDENTIALS_DIRECTORY, where the service manager guards it, or a path with mode 0600.
    case file(String, guarded: Bool)
    /// From a flag or a variable.
    case given(Secret)
    /// As the tools of AWS have them.
    case aws(AWSCredentials)
}

/// Where keys for S3 are besides a file of their own; asked for only when the configuration says so.
package enum AWSCredentials: Hashable, Sendable {
    /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: a value as soon as it is read.
    case environment
    /// A section of ~/.aws/credentials or ~/.aws/config, the first file that has it.
    case profile(String, files: [String])
    /// The service that a container is told of by AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI.
    case container(url: String, token: Secret?, tokenFile: String?)
    /// The metadata service of a virtual machine (IMDSv2).
    case instance

    /// As it is written in the configuration.
    package var text: String {
        switch self {
        case .environment: "environment:"
        case .profile(let name, _): "profile:\(name)"
        case .container: "container:"
        case .instance: "instance:"
        }
    }
}

/// One place that segments are delivered to.
package struct DestinationConfiguration: Hashable, Sendable {
    /// Unique; what `--dest` takes.
    package var name: String
    package var place: DestinationPlace
    /// A segment stays in the spool until every required destination has it.
    package var isRequired: Bool
    /// Also keep the whole session as one uncompressed object.
    package var history: Bool
    /// `nil` where the type needs none.
    package var credentials: CredentialsSource?
    package var transport: TransportConfiguration
    /// `nil`: objects are put as they are.
    package var encryption: EncryptionConfiguration?
    /// Nobody configured a destination: this is the local store in the state directory.
    package var isDefault: Bool
    /// It is what `history` of the destination in whose place it lies asks for.
    package private(set) var isBeside = false

    package init(
        name: String, place: DestinationPlace, isRequired: Bool = true, history: Bool = false,
        credentials: CredentialsSource? = nil, transport: TransportConfiguration = TransportConfiguration(),
        encryption: EncryptionConfiguration? = nil, isDefault: Bool = false
    ) {
        self.name = name
        self.place = place
        self.isRequired = isRequired
        self.history = history
        self.credentials = credentials
        self.transport = transport
        self.encryption = encryption
        self.isDefault = isDefault
    }

    package var type: DestinationType { isBeside ? .history : place.type }

    /// The destination for the whole sessions that this one is to have besides its segments, in the same store; `nil`: none.
    ///
    /// It is never required: what it is made of lies beside it.
    package var beside: DestinationConfiguration? {
        guard history, !isBeside else { return nil }
        var other = self
        other.name = Self.nameBeside(name)
        (other.isBeside, other.isRequired, other.isDefault) = (true, false, false)
        return other
    }

    /// As it stands in the file.
    package var ownName: String { isBeside ? String(name.dropLast(Self.besideSuffix.count)) : name }

    /// No destination in a file has a slash in its name.
    private static let besideSuffix = "/history"
    package static func nameBeside(_ name: String) -> String { name + besideSuffix }

    /// Whether it keeps segments that can be read again here, as what is joined has to be.
    package var isReadable: Bool { type == .history ? false : hasReadableObjects }

    /// Whether what lies there can be read again, whoever reads it here.
    package var hasReadableObjects: Bool {
        switch place.type {
        case .directory, .s3, .supabase: encryption == nil || encryption?.identity != nil
        case .history: true
        case .presigned, .confab, .agnes: false
        }
    }

    /// The local store that is used when no destination is configured.
    package static func local(store path: String) -> DestinationConfiguration {
        DestinationConfiguration(
            name: "store", place: .directory(path: path, prefix: defaultPrefix), isDefault: true)
    }

    /// Of every object store.
    package static let defaultPrefix = "sessions/"
}

/// How a remote destination is spoken to; has no meaning for a directory.
package struct TransportConfiguration: Hashable, Sendable {
    /// Requests in flight, at most.
    package var concurrency = 16
    /// Without progress.
    package var timeout: Duration = .seconds(60)
    package var limit: TransferRate = .off
    /// Certificates to trust besides the system's.
    package var caFile: String?
    package var proxy: String?
    /// Plain http beyond loopback is allowed.
    package var insecure = false

    package init() {}
}
