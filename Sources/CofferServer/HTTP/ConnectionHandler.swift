internal import CofferSecrets
internal import CofferShapes
internal import NIOCore
internal import NIOHTTP1

/// One connection's requests, one after the other: assembles, has it answered, sends the answer. What a client sends
/// before its answer has left waits in the socket. All of it runs on the connection's event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer
    typealias Responder = @Sendable (HTTPRequest) async -> HTTPAnswer

    private enum Stage {
        /// Between requests.
        case waiting
        case receiving
        case answering
        case sending
        /// The last answer has left, and what still comes is thrown away: closing at once would make the kernel reset
        /// the connection, and the client lose the answer.
        case draining
    }

    private let respond: Responder
    private let limits: ConnectionLimits
    private let executor: LoopExecutor
    private let isSecure: Bool
    private var peer: Peer
    private var encoder: AnswerEncoder
    private var stage = Stage.waiting
    private var assembly: RequestAssembly?
    /// What came in one read with the request that is being answered.
    private var early = CircularBuffer<HTTPServerRequestPart>()
    /// When the client has been too slow; nil while it waits for us.
    private var deadline: NIODeadline?
    private var closesNext = false
    /// Whether the read under way has given a part of a message.
    private var hasRead = false
    private var ticks: RepeatedTask?

    init(
        loop: any EventLoop,
        isSecure: Bool,
        limits: ConnectionLimits,
        clock: any WallClock,
        respond: @escaping Responder
    ) {
        (self.respond, self.limits, self.isSecure) = (respond, limits, isSecure)
        executor = LoopExecutor(loop)
        encoder = AnswerEncoder(clock: clock)
        peer = Peer(address: "", isSecure: isSecure)
    }

    // MARK: - The connection

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard ticks == nil else { return }
        peer = Peer(address: context.channel.remoteAddress?.ipAddress ?? "", isSecure: isSecure)
        deadline = .now() + .seconds(Int64(limits.idleSeconds))
        // A look every so often costs less than a timer for each request.
        let interval = TimeAmount.milliseconds(Int64(min(limits.idleSeconds, limits.requestSeconds)) * 100)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        ticks = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            let (handler, context) = bound.value
            guard let deadline = handler.deadline, NIODeadline.now() >= deadline else { return }
            context.close(promise: nil)
        }
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        ticks?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent, ChannelEvent.inputClosed:
            closesNext = true
            if stage == .waiting || stage == .draining { context.close(promise: nil) }
            // Half a request will never be whole.
            if stage == .receiving, case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, stage != .draining else {
            context.close(promise: nil)
            return
        }
        guard stage == .waiting || stage == .receiving else {
            // What came after a request that is being answered.
            closesNext = true
            return
        }
        refuse(context, error == .headerOverflow ? .headersTooLarge : .malformedHTTP)
    }

    // MARK: - Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        hasRead = true
        switch stage {
        case .waiting, .receiving: take(context, part)
        case .answering, .sending: early.append(part)
        case .draining: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch stage {
        case .waiting:
            if !hasRead {
                // The first bytes of a request, and no whole head yet.
                stage = .receiving
                deadline = .now() + .seconds(Int64(limits.requestSeconds))
            }
            context.read()
        case .receiving, .draining: context.read()
        case .answering, .sending: break
        }
        hasRead = false
        context.fireChannelReadComplete()
    }

    private func take(_ context: ChannelHandlerContext, _ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            if stage == .waiting { deadline = .now() + .seconds(Int64(limits.requestSeconds)) }
            stage = .receiving
            closesNext = closesNext || !head.isKeepAlive
            assembly = RequestAssembly(head, limitBytes: limits.bodyBytes)
            guard let expectsContinue = assembly?.expectsContinue else {
                return refuse(context, .bodyTooLarge)
            }
            if expectsContinue {
                context.writeAndFlush(
                    wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")),
                    promise: nil
                )
            }
        case .body(let bytes):
            // Nil after a refusal, when nothing more is taken.
            guard let fits = assembly?.append(bytes) else { return }
            if !fits { refuse(context, .bodyTooLarge) }
        case .end:
            guard let assembly = assembly.take() else { return }
            answer(context, assembly.finish(peer))
        }
    }

    /// Answers a request that is not whole, and takes no other.
    private func refuse(_ context: ChannelHandlerContext, _ refusal: TransportRefusal) {
        assembly = nil
        closesNext = true
        send(context, refusal.answer(RequestID.make(SystemByteSource())), isHead: false)
    }

    // MARK: - Answering

    private func answer(_ context: ChannelHandlerContext, _ request: HTTPRequest) {
        stage = .answering
        deadline = nil
        let (loop, respond, isHead) = (context.eventLoop, respond, request.method == "HEAD")
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        // Begins here and now, and ends here too unless the answer has to wait for something.
        Task.immediate(executorPreference: executor) {
            let answer = await respond(request)
            let deliver: @Sendable () -> Void = {
                let (handler, context) = bound.value
                handler.send(context, answer, isHead: isHead)
            }
            if loop.inEventLoop { deliver() } else { loop.execute(deliver) }
        }
    }

    private func send(_ context: ChannelHandlerContext, _ answer: HTTPAnswer, isHead: Bool) {
        stage = .sending
        deadline = .now() + .seconds(Int64(limits.requestSeconds))
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        promise.futureResult.assumeIsolated().whenComplete { [self] result in
            sent(bound.value, isOpen: (try? result.get()) != nil)
        }
        // Two steps, so that nobody on the stack holds the bytes when they have left and are wiped.
        context.write(
            wrapOutboundOut(encoder.encode(answer, isHead: isHead, closes: closesNext)),
            promise: promise
        )
        context.flush()
    }

    private func sent(_ context: ChannelHandlerContext, isOpen: Bool) {
        encoder.wipeSent()
        guard isOpen, context.channel.isActive else { return }
        guard !closesNext else {
            stage = .draining
            deadline = .now() + .seconds(2)
            context.close(mode: .output, promise: nil)
            context.read()
            return
        }
        stage = .waiting
        deadline = .now() + .seconds(Int64(limits.idleSeconds))
        guard !early.isEmpty else { return context.read() }
        // Not at once: hundreds of small requests in one read would answer each other ever deeper in the stack.
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.assumeIsolated().execute { [self] in takeEarly(bound.value) }
    }

    private func takeEarly(_ context: ChannelHandlerContext) {
        while stage == .waiting || stage == .receiving, let part = early.popFirst() { take(context, part) }
        if stage == .waiting || stage == .receiving { context.read() }
    }
}
