import Shared

/// How a remote destination is spoken to, and with which secret.
extension ConfigurationReader {
    mutating func transport(_ scope: inout SettingsScope) -> TransportConfiguration {
        var transport = TransportConfiguration()
        transport.concurrency = settings.value(
            "concurrency", in: &scope, .number(1...256), else: transport.concurrency)
        transport.timeout = settings.value(
            "timeout", in: &scope, .duration(.seconds(1) ... .seconds(3600)), else: transport.timeout)
        transport.limit = settings.value("limit", in: &scope, .rate, else: transport.limit)
        transport.caFile = settings.value("ca_file", in: &scope, .path(home: home))
        transport.proxy = settings.value(
            "proxy", in: &scope,
            .address(["http", "https", "socks5", "socks5h"], example: "\"http://proxy.example:3128\""))
        transport.insecure = settings.value("insecure", in: &scope, .truth, else: transport.insecure)
        transport.encryption = settings.value(
            "encryption", in: &scope, .line(longest: 64, emptyMeans: transport.encryption), else: transport.encryption)
        transport.recipients = settings.value(
            "recipients", in: &scope, .list(example: "\"…\"", of: .entry), else: transport.recipients)
        if transport.encryption != "none" {
            settings.refuse(
                settings.origin(of: scope.path("encryption")), scope.path("encryption"),
                "\(TomlText.quoted(transport.encryption)) is not available in this version; available: none",
                hint: "take it out, unless objects must not be stored readable: then wait for a version that has it")
        } else if !transport.recipients.isEmpty {
            settings.refuse(
                settings.origin(of: scope.path("recipients")), scope.path("recipients"),
                "there are recipients, but nothing is encrypted", hint: "take them out; encryption is \"none\"")
        }
        return transport
    }

    /// Where the destination's secret is; `nil`: there is none, which is refused where one is needed.
    ///
    /// Never repeats the value: somebody may have written the secret itself there.
    mutating func credentials(_ type: DestinationType, _ scope: inout SettingsScope) -> CredentialsSource? {
        let before = settings.problems.count
        let path = scope.path("credentials")
        let named = settings.value(
            "credentials", in: &scope, .credentials(home: home, guarded: directories.credentials))
        if let (secret, origin) = settings.overridden("secret", in: scope, .secret) {
            settings.note(path, secret, .secret, origin)
            return .given(secret)
        }
        if let named { return named }
        if type.needsCredentials, settings.problems.count == before {
            settings.refuse(
                scope.origin, path, "it is missing",
                hint: "add credentials = \"name\" of a file in $CREDENTIALS_DIRECTORY, or a path with mode 0600: "
                    + type.credentialForm)
        }
        return nil
    }

    mutating func refusePlainHTTP(
        _ place: DestinationPlace, _ transport: TransportConfiguration, _ scope: SettingsScope
    ) {
        let (key, url): (String, String)
        switch place {
        case .directory: return
        case .s3(let bucket), .history(let bucket): (key, url) = ("endpoint", bucket.endpoint)
        case .supabase(let text, _, _), .presigned(let text, _), .confab(let text), .agnes(let text):
            (key, url) = ("url", text)
        }
        guard let address = WebAddress(url), address.scheme == "http", !address.isLoopback, !transport.insecure else {
            return
        }
        settings.refuse(
            settings.origin(of: scope.path(key)), scope.path(key),
            "plain http to \(address.host) would carry sessions and keys readable over the network",
            hint: "use https, or write insecure = true if the network is your own")
    }
}

extension ValueForm where Value == CredentialsSource {
    /// - Parameter guarded: $CREDENTIALS_DIRECTORY.
    static func credentials(home: String?, guarded: String?) -> ValueForm {
        ValueForm(
            shown: { source in
                switch source {
                case .file(let path, _): TomlText.quoted(path)
                case .given(let secret): secret.description
                }
            },
            read: { (value) throws(Refusal) in
                let place = "write the name of a file in $CREDENTIALS_DIRECTORY, or an absolute path"
                guard case .string(let text) = value, !text.isEmpty else {
                    throw Refusal(message: "expected a name or a path", hint: place)
                }
                if text.contains("/") || text.hasPrefix("~") {
                    guard let path = PathText.absolute(text, home: home) else {
                        throw Refusal(message: "it is neither a name nor an absolute path", hint: place)
                    }
                    return .file(path, guarded: false)
                }
                guard ValueForm<String>.isName(text), text.utf8.count <= 255 else {
                    throw Refusal(message: "it is neither a name nor an absolute path", hint: place)
                }
                guard let guarded else {
                    throw Refusal(
                        message: "it names a file in $CREDENTIALS_DIRECTORY, which is not set",
                        hint: "add LoadCredential= to the unit, or write the absolute path of a file with mode 0600")
                }
                return .file("\(guarded)/\(text)", guarded: true)
            })
    }
}
