import Configuration
import Redaction
import Shared

/// `--rules`: what is looked for with this configuration. A line of JSON for each rule: `RuleMessage`.
enum RulesReport {
    static func run(_ loaded: LoadedConfiguration) -> Int32 {
        do {
            let text = try RuleSet(loaded.configuration.redaction).listing.map {
                String(decoding: try JSONText.encode($0), as: UTF8.self) + "\n"
            }
            return Terminal.answer(text.joined(), ExitCode.done)
        } catch {
            Terminal.writeError("error: the redaction rules could not be written as JSON: \(error)\n")
            return ExitCode.failed
        }
    }
}
