import Redaction
import Testing

@Suite("What code reads from somewhere")
struct CodeReferenceTests {
    @Test(
        "is no secret, though a name has a digit",
        arguments: [
            "apiKey: process.env.S3_API_KEY,", "client_secret = settings.OAUTH2_CLIENT_SECRET",
            "password = module.rds1.master_password",
            "token: self.oauth2.access_token", "client_secret = var.oauth2_client_secret",
            "const token = config.auth0.token2",
        ])
    func reference(text: String) throws {
        let line = #"{"a":"\#(text)"}"#
        #expect(try Standard.redactor().redacted(line).text == line)
    }

    @Test(
        "does not hide what only looks a little like it",
        arguments: ["password = sel2f.x9kd82q", "password = self.x9kd-82q"])
    func secret(text: String) throws {
        let redacted = try Standard.redactor().redacted(#"{"a":"\#(text)"}"#).text
        #expect(redacted.contains("[REDACTED:password]"), "\(redacted)")
    }
}
