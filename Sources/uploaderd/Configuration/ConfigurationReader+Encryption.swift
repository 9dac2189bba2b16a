import Shared

/// Who can read what is put into a destination.
extension ConfigurationReader {
    /// - Returns: `nil`: objects are put as they are.
    mutating func encryption(_ type: DestinationType, _ scope: inout SettingsScope) -> EncryptionConfiguration? {
        let method = settings.value("encryption", in: &scope, ValueForm<EncryptionMethod>.oneOf, else: .none)
        let texts = settings.value("recipients", in: &scope, .recipients, else: [])
        let identity = settings.value("identity", in: &scope, .identity(home: home, guarded: directories.credentials))
        let (recipientsKey, identityKey) = (scope.path("recipients"), scope.path("identity"))
        let recipients = recipients(texts, recipientsKey)
        switch method {
        case .none:
            if !texts.isEmpty { refuse(recipientsKey, "there are recipients, but nothing is encrypted", Self.cure) }
            if identity != nil { refuse(identityKey, "there is an identity, but nothing is encrypted", Self.cure) }
            return nil
        case .age:
            let isEmpty = texts.isEmpty && !settings.problems.contains { $0.key == recipientsKey }
            if isEmpty {
                settings.refuse(
                    settings.origin(of: scope.path("encryption")), recipientsKey,
                    "there is nobody to encrypt to",
                    hint: "age-keygen -o FILE makes an identity and says its recipient: recipients = [\"age1…\"]")
            }
            refuseMisplaced(type, identity != nil, scope)
            return EncryptionConfiguration(recipients: recipients, identity: identity)
        }
    }

    private static let cure = "write encryption = \"age\", or take this out"

    private mutating func refuse(_ key: String, _ message: String, _ hint: String) {
        settings.refuse(settings.origin(of: key), key, message, hint: hint)
    }

    /// One problem for each that is none. What may be a secret is never repeated.
    private mutating func recipients(_ texts: [String], _ key: String) -> [AgeRecipient] {
        var found: [AgeRecipient] = []
        for (index, text) in texts.enumerated() {
            let name = "entry \(index + 1)"
            do throws(AgeRecipient.Fault) {
                let recipient = try AgeRecipient(text)
                if found.contains(recipient) {
                    refuse(key, "\(name) is there twice", "take one out")
                } else {
                    found.append(recipient)
                }
            } catch {
                switch error {
                case .secret:
                    refuse(
                        key, "\(name) is a secret key: whoever reads this file can read what is encrypted",
                        "write its recipient, age1…, which age-keygen -y says; put the key into a file with mode 0600")
                case .otherKind:
                    refuse(
                        key, "\(name) is a recipient of a kind that this version cannot encrypt to",
                        "use one that age-keygen makes: age1… of 62 letters")
                case .malformed:
                    refuse(
                        key, "\(name) is not a recipient: its letters or its checksum are wrong",
                        "copy it whole: age1… of 62 letters, as age-keygen says it")
                }
            }
        }
        return found
    }

    private mutating func refuseMisplaced(_ type: DestinationType, _ hasIdentity: Bool, _ scope: SettingsScope) {
        switch type {
        case .directory, .s3, .supabase: return
        case .presigned:
            guard hasIdentity else { return }
            refuse(
                scope.path("identity"), "what is put with a presigned URL cannot be read back, so nothing opens it",
                "take it out")
        case .history:
            refuse(
                scope.path("encryption"), "codetether reads what is there, and would get none of it",
                "write encryption = \"none\"; history = true of a destination of another type is encrypted as its segments are"
            )
        case .confab, .agnes:
            refuse(
                scope.path("encryption"), "a destination of type \(type.rawValue) reads lines, and would get none",
                "write encryption = \"none\", or use an object store")
        }
    }
}

extension ValueForm where Value == [String] {
    /// Texts that may be secrets by mistake: those are not shown.
    fileprivate static var recipients: ValueForm {
        let texts = list(example: "\"age1…\"", of: ValueForm<String>.entry)
        return ValueForm(
            shown: { TomlText.list($0.map { AgeIdentityText.isLike($0) ? "(secret)" : $0 }) }, read: texts.read)
    }
}

extension ValueForm where Value == CredentialsSource {
    /// The file of an identity: named as other credentials are.
    fileprivate static func identity(home: String?, guarded: String?) -> ValueForm {
        let credentials = credentials(home: home, guarded: guarded)
        return ValueForm(shown: credentials.shown) { (value) throws(Refusal) in
            let place = "write the name of a file in $CREDENTIALS_DIRECTORY, or an absolute path"
            if case .string(let text) = value, AgeIdentityText.isLike(text) {
                throw Refusal(
                    message: "it is the secret key itself", hint: "put it into a file with mode 0600; \(place)")
            }
            let source = try credentials.read(value)
            guard case .file = source else {
                throw Refusal(message: "no identity comes from there", hint: place)
            }
            return source
        }
    }
}
