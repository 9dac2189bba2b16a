import CCurl
import Glibc
import Shared

/// What libcurl's end of a transfer means: whether it will help to try again, and what somebody can do.
struct TransferFailure {
    let error: DeliveryError

    init(_ transfer: Transfer, _ code: CURLcode) {
        let said = transfer.complaintText
        let reason = said.isEmpty ? String(cString: curl_easy_strerror(code)) : said
        let origin = transfer.request.origin
        let message = "could not \(transfer.request.purpose) at \(origin): \(reason)"
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST:
            error = DeliveryError(
                .transient, message, hint: "is the network up, and the destination's address right?",
                isOutOfReach: true)
        case CURLE_COULDNT_RESOLVE_PROXY:
            error = DeliveryError(
                .transient, message, hint: "is the network up, and proxy right?", isOutOfReach: true)
        case CURLE_COULDNT_CONNECT:
            error = DeliveryError(.transient, message, hint: Self.connectHint(transfer), isOutOfReach: true)
        case CURLE_OPERATION_TIMEDOUT:
            error = DeliveryError(
                .transient, message,
                hint: "the far end or the network stands still; timeout says how long that is waited for",
                isPushback: true)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR:
            error = DeliveryError(
                .unusable, message,
                hint: "give the certificate of whoever signed the server's as ca_file, and check the machine's clock",
                retryAfter: .seconds(60))
        case CURLE_SSL_CACERT_BADFILE:
            error = DeliveryError(
                .unusable, message, hint: "ca_file has to be a file of certificates (PEM) that this user can read",
                retryAfter: .seconds(60))
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_LOGIN_DENIED, CURLE_PROXY:
            error = DeliveryError(.unusable, message, hint: "check the destination's address and proxy")
        default:
            error = DeliveryError(.transient, message)
        }
    }

    private static func connectHint(_ transfer: Transfer) -> String {
        var code = 0
        _ = ccurl_get_long(transfer.easy, CURLINFO_OS_ERRNO, &code)
        switch Int32(code) {
        case ECONNREFUSED: return "nothing listens there: is the server running, and the port right?"
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN: return "there is no way to that network now"
        default: return "is the server running, and may this machine connect to it?"
        }
    }
}
