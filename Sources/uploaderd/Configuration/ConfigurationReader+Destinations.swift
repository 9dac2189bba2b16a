import LinuxSystem
import Shared

extension DestinationType {
    /// The keys that a destination of this type takes besides name, type and required.
    fileprivate var keys: [String] {
        let encryption = ["encryption", "recipients", "identity"]
        let remote = ["credentials", "concurrency", "timeout", "limit", "ca_file", "proxy", "insecure"] + encryption
        switch self {
        case .directory: return ["path", "prefix", "history"] + encryption
        case .s3: return ["endpoint", "bucket", "prefix", "region", "path_style", "history"] + remote
        case .history: return ["endpoint", "bucket", "prefix", "region", "path_style"] + remote
        case .supabase: return ["url", "bucket", "prefix", "signed_uploads", "history"] + remote
        case .presigned: return ["url", "prefix", "history"] + remote
        case .confab, .agnes: return ["url"] + remote
        }
    }

    /// Besides segments it can have whole sessions.
    fileprivate var takesHistory: Bool { keys.contains("history") }

    var needsCredentials: Bool {
        switch self {
        case .s3, .supabase, .confab, .agnes, .history: true
        case .directory, .presigned: false
        }
    }

    /// Lines of a credentials file: S3 has a key's id and its secret.
    package var credentialLines: Int {
        switch self {
        case .s3, .history: 2
        case .supabase, .presigned, .confab, .agnes, .directory: 1
        }
    }

    /// What a credentials file has to hold, for hints.
    var credentialForm: String {
        credentialLines == 2
            ? "two lines, the key's id and its secret (a third is a session token)" : "one line, the key"
    }
}

extension ConfigurationReader {
    /// The destinations of the file, then those that flags ask for; the local store when there is none.
    mutating func destinations(_ scopes: [SettingsScope]) -> [DestinationConfiguration] {
        var all: [DestinationConfiguration] = []
        var seen: [String: ConfigurationOrigin] = [:]
        var types: [DestinationType] = []
        var off = 0
        for scope in scopes {
            if isOff(scope) {
                off += 1
                types.append(.history)
                continue
            }
            let (destination, type) = destination(scope, asked: nil, &seen)
            types += [type].compactMap { $0 }
            if let destination { all.append(destination) }
        }
        for (type, flag) in askedFor() where !types.contains(type) {
            let scope = SettingsScope(name: "destination.\(type.rawValue)", origin: flag, members: [])
            let (destination, _) = destination(scope, asked: type, &seen)
            types.append(type)
            if let destination { all.append(destination) }
        }
        refuseAmbiguous(types)
        noticeUnused(types)
        refuseTwins(all)
        refuseAmongOurs(all)
        refuseIfNoneCounts(all)
        refuseFilesAlone(all)
        if all.isEmpty, types.count == off, scopes.count == off {
            all = [localStore()]
        }
        return all
    }

    private mutating func localStore() -> DestinationConfiguration {
        let scope = SettingsScope(
            name: "destination.store", origin: .default, members: [],
            overrideNames: ["destination:directory", "destination:*"])
        var open = scope
        var store = DestinationConfiguration.local(store: directories.store)
        settings.note("destination.store.type", .directory, ValueForm<DestinationType>.oneOf, .default)
        settings.note("destination.store.required", true, .truth, .default)
        settings.note("destination.store.path", directories.store, .path(home: home), .default)
        let prefix = settings.value("prefix", in: &open, .prefix, else: DestinationConfiguration.defaultPrefix)
        store.place = .directory(path: directories.store, prefix: prefix)
        return store
    }

    /// Types that flags, or agent-uploader's own command, make a destination of.
    private func askedFor() -> [(DestinationType, ConfigurationOrigin)] {
        let overrides = settings.overrides
        var asked: [(DestinationType, ConfigurationOrigin)] = []
        let isPresigned = overrides.hasFlag(for: .presigned)
        if isPresigned { asked.append((.presigned, .flag(CommandLineFlag.uploadURL.rawValue))) }
        if overrides.hasFlag(for: .supabase) {
            asked.append((.supabase, .flag(CommandLineFlag.supabaseURL.rawValue)))
        } else if options.saysWatch, !isPresigned, !overrides["destination:supabase.url"].isEmpty,
            !overrides["destination:supabase.secret"].isEmpty
        {
            asked.append((.supabase, .environment("SUPABASE_URL")))
        }
        return asked
    }

    private mutating func destination(
        _ table: SettingsScope, asked: DestinationType?, _ seen: inout [String: ConfigurationOrigin]
    ) -> (DestinationConfiguration?, DestinationType?) {
        var scope = table
        if case .string(let name)? = table.member("name")?.node.value, ValueForm<String>.isName(name) {
            scope.name = "destination.\(name)"
        } else if table.member("name") == nil, asked == nil {
            if case .string(let type)? = table.member("type")?.node.value, DestinationType(rawValue: type) != nil {
                scope.name = "destination.\(type)"
            } else if table.member("type") == nil {
                scope.name = "destination.directory"
            }
        }
        let before = settings.problems.count
        let type: DestinationType
        if let asked {
            type = asked
            settings.note(scope.path("type"), asked, .oneOf, scope.origin)
        } else {
            type = settings.value("type", in: &scope, .oneOf, else: .directory)
        }
        let isTyped = settings.problems.count == before
        scope.overrideNames = ["destination:\(type.rawValue)", "destination:*"]
        let name = settings.value("name", in: &scope, .name(longest: 64), else: type.rawValue)
        let isRequired = settings.value("required", in: &scope, .truth, else: true)
        refuseSecond(name, scope, &seen)
        guard isTyped else { return (nil, nil) }
        refuseIfUnavailable(type, scope)
        let place = place(type, &scope)
        let history = type.takesHistory ? settings.value("history", in: &scope, .truth, else: false) : false
        let credentials = type == .directory ? nil : credentials(type, &scope)
        refuseUnusedCredentials(credentials, type, scope)
        let transport = type == .directory ? TransportConfiguration() : transport(&scope)
        let encryption = encryption(type, &scope)
        settings.close(scope) { key in
            let owners = DestinationType.allCases.filter { $0.keys.contains(key) }
            if owners.isEmpty { return nil }
            return "take it out; it belongs to destinations of type \(owners.map(\.rawValue).joined(separator: ", "))"
        }
        guard let place else { return (nil, type) }
        refusePlainHTTP(place, transport, scope)
        return (
            DestinationConfiguration(
                name: name, place: place, isRequired: isRequired, history: history, credentials: credentials,
                transport: transport, encryption: encryption), type
        )
    }

    private mutating func place(_ type: DestinationType, _ scope: inout SettingsScope) -> DestinationPlace? {
        let web = ["https", "http"]
        func prefix(
            _ usual: String = DestinationConfiguration.defaultPrefix, _ form: ValueForm<String> = .prefix
        ) -> String {
            settings.value("prefix", in: &scope, form, else: usual)
        }
        func url() -> String? {
            settings.required("url", in: &scope, .address(web), example: "\"https://host.example\"")
        }
        switch type {
        case .directory:
            let path = settings.value(
                "path", in: &scope, .path(home: home, emptyMeans: directories.store), else: directories.store)
            return .directory(path: path, prefix: prefix())
        case .s3, .history:
            let endpoint = settings.required(
                "endpoint", in: &scope, .address(web), example: "\"https://s3.example\"")
            let bucket = settings.required("bucket", in: &scope, .bucket, example: "\"sessions\"")
            // codetether's own default where its variables say where its store is.
            let isCodetether = settings.origin(of: scope.path("endpoint")).isEnvironment
            let region = settings.value("region", in: &scope, .name(longest: 64), else: "us-east-1")
            let pathStyle = settings.value("path_style", in: &scope, .truth, else: true)
            let prefix = prefix(isCodetether ? "history/" : DestinationConfiguration.defaultPrefix, .freePrefix)
            guard let endpoint, let bucket else { return nil }
            let place = BucketPlace(
                endpoint: endpoint, bucket: bucket, prefix: prefix, region: region, pathStyle: pathStyle)
            return type == .s3 ? .s3(place) : .history(place)
        case .supabase:
            let url = url()
            let bucket = settings.value("bucket", in: &scope, .bucket, else: "sessions")
            if bucket.utf8.count > 100 {
                let key = scope.path("bucket")
                settings.refuse(
                    settings.origin(of: key), key, "Supabase Storage has no buckets with names of more than 100 bytes",
                    hint: "name the bucket as the project does")
            }
            let prefix = prefix()
            let signs = settings.value("signed_uploads", in: &scope, .truth, else: false)
            return url.map { .supabase(url: $0, bucket: bucket, prefix: prefix, signsUploads: signs) }
        case .presigned:
            let url = url()
            let prefix = prefix(DestinationConfiguration.defaultPrefix, .freePrefix)
            return url.map { .presigned(url: $0, prefix: prefix) }
        case .confab: return url().map { .confab(url: $0) }
        case .agnes: return url().map { .agnes(url: $0) }
        }
    }
}
