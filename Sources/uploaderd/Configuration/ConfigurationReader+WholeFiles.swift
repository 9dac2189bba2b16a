import Shared

/// Destinations that are sent whole files: agnes and histories.
extension ConfigurationReader {
    /// A destination that is to be where codetether's variables say, and they do not say all of it: as codetether itself, it sends
    /// nothing then.
    mutating func isOff(_ scope: SettingsScope) -> Bool {
        guard case .string(DestinationType.history.rawValue)? = scope.member("type")?.node.value,
            ["endpoint", "bucket", "credentials"].allSatisfy({ scope.member($0) == nil }),
            !settings.overrides.saysHistory
        else { return false }
        notices.append(
            ConfigurationProblem(
                scope.origin, key: "destination.history.type",
                "it is off: not all of $CODETETHER_HISTORY_S3_ENDPOINT, _BUCKET, _ACCESS_KEY and _SECRET_KEY are set",
                hint: "set them, or write endpoint, bucket and credentials"))
        return true
    }

    /// What is sent as a whole file is read again from its first line on, each time it has grown; and the spool empties.
    mutating func refuseFilesAlone(_ all: [DestinationConfiguration]) {
        guard !all.contains(where: { $0.isRequired && $0.isReadable }) else { return }
        for destination in all {
            let what: String
            switch destination.type {
            case .agnes: what = "a server of agnes's is sent whole files and gives nothing back"
            case .history: what = "a history is whole files"
            case .directory, .s3, .supabase, .presigned, .confab:
                guard destination.history else { continue }
                what = "a history is whole files"
            }
            let key = "destination.\(destination.name).\(destination.history ? "history" : "type")"
            settings.refuse(
                settings.origin(of: key), key,
                "\(what), and no destination that has to have everything keeps what they are made of",
                hint: "add a destination of type directory, s3 or supabase, without required = false")
        }
    }
}
