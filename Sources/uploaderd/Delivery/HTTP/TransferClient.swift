package import Shared

/// How the requests of one destination are made.
package struct TransferOptions: Sendable, Hashable {
    /// Without a byte in either direction.
    package var stillness: Duration
    package var connecting: Duration
    package var caFile: String?
    package var proxy: String?
    /// `http` besides `https`.
    package var allowsPlain: Bool
    /// Bytes a second that are sent; `nil`: as fast as it goes.
    package var rate: Int64?
    /// Whose rate it is; `nil`: of these requests alone, which count for no other either.
    package var destination: String?

    package init(
        stillness: Duration = .seconds(60), connecting: Duration = .seconds(30), caFile: String? = nil,
        proxy: String? = nil, allowsPlain: Bool = false, rate: Int64? = nil, destination: String? = nil
    ) {
        self.stillness = stillness
        self.connecting = min(connecting, stillness)
        self.caFile = caFile
        self.proxy = proxy
        self.allowsPlain = allowsPlain
        self.rate = rate
        self.destination = destination
    }

    /// - Parameter allowsPlain: the configuration has judged that the address may be one of plain http.
    package init(_ destination: DestinationConfiguration, allowsPlain: Bool) {
        let transport = destination.transport
        self.init(
            stillness: transport.timeout, caFile: transport.caFile, proxy: transport.proxy, allowsPlain: allowsPlain,
            rate: transport.limit.bytesPerSecond?.bytes, destination: destination.name)
    }
}

/// The requests of one destination, with its own time-outs, certificates, proxy and rate.
package final class TransferClient: HTTPClient {
    private let transfers: Transfers
    private let options: TransferOptions
    private let allowances: [UploadAllowance]

    init(_ transfers: Transfers, _ options: TransferOptions) {
        self.transfers = transfers
        self.options = options
        if let destination = options.destination {
            allowances = [transfers.rates.begin(destination, at: options.rate), transfers.rates.all]
        } else {
            allowances = options.rate.map { [UploadAllowance($0, time: transfers.rates.time)] } ?? []
        }
    }

    package func send(_ request: HTTPRequest) async throws(DeliveryError) -> HTTPResponse {
        try await transfers.send(request, options, allowances)
    }
}
