internal import CofferShapes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// What Hummingbird's server does with each connection: our handler behind the HTTP/1.1 parser, behind TLS where it is
/// wanted. Hummingbird's own channel for HTTP/1.1 gives each request's parts to Swift concurrency one by one and back;
/// measured with `/health`, it answers half as many requests.
struct ConnectionChannel: ServerChildChannel {
    struct Connection: ServerChildChannelValue {
        let channel: any Channel
    }

    let tls: NIOSSLContext?
    let limits: ConnectionLimits
    let clock: any WallClock
    let metrics: Metrics
    let respond: ConnectionHandler.Responder

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            // Small answers leave at once, and nothing is read before it is wanted.
            try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            try channel.syncOptions?.setOption(.autoRead, value: false)
            let pipeline = channel.pipeline.syncOperations
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
            var decoderLimits = NIOHTTPDecoderLimitConfiguration()
            decoderLimits.maxHeaderFieldSize = limits.headerBytes
            decoderLimits.maxHeaderListSize = limits.headersBytes
            decoderLimits.maxHeaderFieldCount = limits.headerCount
            try pipeline.addHandler(
                ByteToMessageHandler(
                    HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoderLimits)
                )
            )
            try pipeline.addHandler(
                ConnectionHandler(
                    loop: channel.eventLoop,
                    isSecure: tls != nil,
                    limits: limits,
                    clock: clock,
                    respond: respond
                )
            )
            return Connection(channel: channel)
        }
    }

    /// Lasts as long as the connection; a cancelled task closes it.
    func handle(value: Connection, logger: Logger) async {
        metrics.connectionOpened()
        defer { metrics.connectionClosed() }
        await withTaskCancellationHandler {
            // How a connection ended is no news.
            try? await value.channel.closeFuture.get()
        } onCancel: {
            value.channel.close(promise: nil)
        }
    }
}
