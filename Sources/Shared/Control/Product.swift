/// What both programs say of themselves.
package enum Product {
    package static let name = "uploaderd"
    package static let vendor = "uploaderd"
    package static let version = "0.1.0"
    package static let url = "https://github.com/uploaderd/uploaderd"
}
