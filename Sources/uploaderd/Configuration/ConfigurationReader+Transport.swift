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
        if case .aws(let source) = named {
            do throws(Refusal) { return try found(source, for: type) } catch {
                settings.refuse(settings.origin(of: path), path, error.message, hint: error.hint)
                return nil
            }
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

    /// What the environment says to a source that AWS's tools have.
    private func found(_ source: AWSCredentials, for type: DestinationType) throws(Refusal) -> CredentialsSource {
        guard type == .s3 || type == .history else {
            throw Refusal(
                message: "\(source.text) has keys for S3, and this is a destination of type \(type.rawValue)",
                hint: "name a file that holds the key")
        }
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        switch source {
        case .environment:
            guard let id = variable("AWS_ACCESS_KEY_ID"), let secret = variable("AWS_SECRET_ACCESS_KEY") else {
                throw Refusal(
                    message: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set",
                    hint: "set both, or name a file: what is in the environment is inherited by every program")
            }
            return .given(
                Secret([id, secret, variable("AWS_SESSION_TOKEN")].compactMap(\.self).joined(separator: "\n")))
        case .profile(let name, _):
            let files = [("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), ("AWS_CONFIG_FILE", "~/.aws/config")]
                .compactMap { PathText.absolute(variable($0) ?? $1, home: home) }
            return .aws(.profile(name, files: files))
        case .container:
            let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map { "http://169.254.170.2\($0)" }
            guard let url = relative ?? variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"), let address = WebAddress(url)
            else {
                throw Refusal(
                    message: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set",
                    hint: "they are set in containers whose task has a role")
            }
            let isNear =
                address.isLoopback || ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"].contains(address.host)
            guard address.scheme == "https" || isNear else {
                throw Refusal(
                    message: "the credentials of \(address.host) would come readable over the network",
                    hint: "AWS_CONTAINER_CREDENTIALS_FULL_URI has to be https, or of this machine")
            }
            return .aws(
                .container(
                    url: url, token: variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map { Secret($0) },
                    tokenFile: variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")))
        case .instance: return .aws(.instance)
        }
    }

    mutating func refuseUnusedCredentials(
        _ credentials: CredentialsSource?, _ type: DestinationType, _ scope: SettingsScope
    ) {
        guard type == .presigned, credentials != nil else { return }
        let path = scope.path("credentials")
        settings.refuse(
            settings.origin(of: path), path, "a presigned URL carries its own permission: nothing else is shown there",
            hint: "take it out")
    }

    mutating func refusePlainHTTP(
        _ place: DestinationPlace, _ transport: TransportConfiguration, _ scope: SettingsScope
    ) {
        let (key, url): (String, String)
        switch place {
        case .directory: return
        case .s3(let bucket), .history(let bucket): (key, url) = ("endpoint", bucket.endpoint)
        case .supabase(let text, _, _, _), .presigned(let text, _), .confab(let text), .agnes(let text):
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
                case .aws(let source): TomlText.quoted(source.text)
                }
            },
            read: { (value) throws(Refusal) in
                let place = "write the name of a file in $CREDENTIALS_DIRECTORY, or an absolute path"
                guard case .string(let text) = value, !text.isEmpty else {
                    throw Refusal(message: "expected a name or a path", hint: place)
                }
                if let source = awsSource(text) { return .aws(source) }
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

    /// No path that is absolute, and no name, has a colon after one of these words.
    private static func awsSource(_ text: String) -> AWSCredentials? {
        switch text {
        case "environment:": return .environment
        case "container:": return .container(url: "", token: nil, tokenFile: nil)
        case "instance:": return .instance
        default:
            let name = text.dropFirst("profile:".utf8.count)
            let isShown = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "]" }
            return text.hasPrefix("profile:") && !name.isEmpty && isShown ? .profile(String(name), files: []) : nil
        }
    }
}
