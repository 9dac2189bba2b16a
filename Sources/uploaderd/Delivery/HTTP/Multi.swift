import CCurl

/// libcurl's multi handle.
///
/// Sendable, proof: libcurl is called with it on the loop's thread only; `owner` is set before anybody else knows of it.
final class Multi: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
    weak var owner: Transfers?

    /// curl_global_init(3), once for the process.
    private static let isReady = ccurl_global_init() == CURLE_OK

    init() {
        guard Self.isReady, let handle = curl_multi_init() else { preconditionFailure("libcurl has no memory") }
        self.handle = handle
        ccurl_multi_set_calls(handle, Self.watch, Self.setTimer, Unmanaged.passUnretained(self).toOpaque())
        // Idle connections that are kept.
        ccurl_multi_set_long(handle, CURLMOPT_MAXCONNECTS, 64)
    }

    deinit {
        ccurl_multi_set_calls(handle, nil, nil, nil)
        curl_multi_cleanup(handle)
    }

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> Multi? {
        pointer.map { Unmanaged<Multi>.fromOpaque($0).takeUnretainedValue() }
    }

    private static let watch: ccurl_socket_call = { _, socket, what, user, _ in
        guard let owner = Multi.of(user)?.owner else { return 0 }
        return owner.assumeIsolated { $0.watch(socket, what) } ? 0 : -1
    }

    private static let setTimer: ccurl_timer_call = { _, milliseconds, user in
        Multi.of(user)?.owner?.assumeIsolated { $0.setTimer(milliseconds) }
        return 0
    }
}
