internal import CofferEBS
internal import CofferIdentity
internal import CofferKMS
internal import CofferRDS
internal import CofferSecrets
internal import CofferShapes
internal import CofferSigV4
internal import NIOCore
internal import NIOHTTP1

/// Answers one request: finds what it is for, who asks, has the service do it, and counts it.
final class Responder: Sendable {
    let metrics = Metrics()
    private let kms: KeyManagementService
    private let query: QueryResponder
    private let ec2: EC2Responder
    private let ebs: EBSResponder
    private let rds: RDSResponder
    private let authenticator: Authenticator
    private let random: any ByteSource

    init(
        kms: KeyManagementService,
        identity: IdentityService,
        volumes: VolumeService,
        databases: DatabaseService,
        host: HostFacts,
        clock: any WallClock = SystemClock(),
        random: any ByteSource = SystemByteSource()
    ) {
        (self.kms, self.random) = (kms, random)
        authenticator = Authenticator(identity: identity, clock: clock)
        query = QueryResponder(identity: identity)
        ec2 = EC2Responder(volumes: volumes, host: host)
        ebs = EBSResponder(volumes: volumes)
        rds = RDSResponder(databases: databases, account: host.account)
    }

    func answer(_ request: HTTPRequest) async -> HTTPAnswer {
        let start = NIODeadline.now()
        let requestID = RequestID.make(random)
        switch request.path {
        case "/": break
        case "/health" where Self.isReading(request): return Self.health(requestID)
        case "/metrics" where Self.isReading(request):
            let text = PrometheusText.of(metrics)
            return HTTPAnswer(status: 200, contentType: .prometheus, body: text, requestID: requestID)
        case let path where EBSResponder.isMeant(path): return await ebsAnswer(request, start, requestID)
        default: return Self.notFound(requestID)
        }
        let targets = request.headers["x-amz-target"]
        if !targets.isEmpty {
            let operation = targets.count == 1 ? KMSOperation(target: targets[0]) : nil
            guard request.method == "POST", let operation else {
                return failure(AWSError(.unknownOperation, ""), metrics.of(.none), start, requestID)
            }
            return await kmsAnswer(request, operation, start, requestID)
        }
        guard QueryResponder.isQuery(request) else {
            return failure(SigV4Error.missingToken.awsError(.json), metrics.of(.none), start, requestID)
        }
        return await queryAnswer(request, start, requestID)
    }

    /// Waits for what goes on after its request was answered. What waits for more requests is given up.
    func finishBegunWork() async {
        await ebs.volumes.giveUpUploads()
        await ec2.volumes.finishBegunWork()
        await rds.databases.finishBegunWork()
    }

    // MARK: - The services

    private func kmsAnswer(
        _ request: HTTPRequest,
        _ operation: KMSOperation,
        _ start: NIODeadline,
        _ requestID: String
    ) async -> HTTPAnswer {
        let metrics = metrics.of(operation)
        do {
            let asker = try authenticator.asker(
                of: request,
                requestID: requestID,
                services: Self.kmsRules,
                dialect: .json
            )
            let body = try await KMSCall.answer(
                operation,
                body: request.body.bytes,
                caller: asker.caller,
                kms: kms
            )
            metrics.count(nil, nanoseconds: Self.elapsed(start))
            return HTTPAnswer(status: 200, contentType: .awsJSON, body: body, requestID: requestID)
        } catch {
            return failure(AWSError(any: error), metrics, start, requestID)
        }
    }

    private func queryAnswer(
        _ request: HTTPRequest,
        _ start: NIODeadline,
        _ requestID: String
    ) async -> HTTPAnswer {
        var counted = metrics.of(.none)
        do {
            let form = try QueryForm(request)
            if RDSResponder.isMeant(form) { return await rdsAnswer(request, form, start, requestID) }
            if EC2Responder.isMeant(form) { return await ec2Answer(request, form, start, requestID) }
            let rules = query.rules(of: form.action)
            let asker = try authenticator.asker(
                of: request,
                requestID: requestID,
                services: rules,
                dialect: .query
            )
            counted = metrics.of(asker.service == "sts" ? .sts : .iam)
            let body = try await query.answer(form, asker, requestID: requestID)
            counted.count(nil, nanoseconds: Self.elapsed(start))
            return HTTPAnswer(status: 200, contentType: .xml, body: body, requestID: requestID)
        } catch {
            let error = AWSError(any: error)
            counted.count(error.code.name, nanoseconds: Self.elapsed(start))
            return HTTPAnswer(
                status: error.queryStatus,
                contentType: .xml,
                body: QueryResponder.body(of: error, requestID: requestID),
                requestID: requestID
            )
        }
    }

    private func ec2Answer(
        _ request: HTTPRequest,
        _ form: QueryForm,
        _ start: NIODeadline,
        _ requestID: String
    ) async -> HTTPAnswer {
        var counted = metrics.of(.none)
        do {
            let asker = try authenticator.asker(
                of: request,
                requestID: requestID,
                services: EC2Responder.rules,
                dialect: .ec2
            )
            let operation = try EC2Responder.operation(of: form)
            counted = metrics.of(operation)
            let body = try await ec2.answer(form, operation, asker.caller, requestID: requestID)
            counted.count(nil, nanoseconds: Self.elapsed(start))
            return HTTPAnswer(status: 200, contentType: .xml, body: body, requestID: requestID)
        } catch {
            let error = AWSError(any: error)
            counted.count(error.ec2Name, nanoseconds: Self.elapsed(start))
            return HTTPAnswer(
                status: error.ec2Status,
                contentType: .xml,
                body: EC2Responder.body(of: error, requestID: requestID),
                requestID: requestID
            )
        }
    }

    private func rdsAnswer(
        _ request: HTTPRequest,
        _ form: QueryForm,
        _ start: NIODeadline,
        _ requestID: String
    ) async -> HTTPAnswer {
        var counted = metrics.of(.none)
        do {
            let asker = try authenticator.asker(
                of: request,
                requestID: requestID,
                services: RDSResponder.rules,
                dialect: .query
            )
            let operation = try RDSResponder.operation(of: form)
            counted = metrics.of(operation)
            let body = try await rds.answer(form, operation, asker.caller, requestID: requestID)
            counted.count(nil, nanoseconds: Self.elapsed(start))
            return HTTPAnswer(status: 200, contentType: .xml, body: body, requestID: requestID)
        } catch {
            let error = AWSError(any: error)
            counted.count(error.rdsName, nanoseconds: Self.elapsed(start))
            return HTTPAnswer(
                status: error.rdsStatus,
                contentType: .xml,
                body: RDSResponder.body(of: error, requestID: requestID),
                requestID: requestID
            )
        }
    }

    private func ebsAnswer(
        _ request: HTTPRequest,
        _ start: NIODeadline,
        _ requestID: String
    ) async -> HTTPAnswer {
        var counted = metrics.of(.none)
        do {
            let route = try EBSRoute(request)
            counted = metrics.of(route.operation)
            let asker = try authenticator.asker(
                of: request,
                requestID: requestID,
                services: EBSResponder.rules(of: route.operation),
                dialect: .json
            )
            let answer = try await ebs.answer(request, route, asker.caller, requestID: requestID)
            counted.count(nil, nanoseconds: Self.elapsed(start))
            return answer
        } catch {
            let refusal = EBSRefusal(error)
            counted.count(refusal.name, nanoseconds: Self.elapsed(start))
            return refusal.answer(requestID)
        }
    }

    private static let kmsRules = SignatureRules(services: ["kms": []])

    private static func elapsed(_ start: NIODeadline) -> Int { Int((NIODeadline.now() - start).nanoseconds) }

    // MARK: - What belongs to no service

    private static func isReading(_ request: HTTPRequest) -> Bool {
        request.method == "GET" || request.method == "HEAD"
    }

    private static func health(_ requestID: String) -> HTTPAnswer {
        HTTPAnswer(status: 200, contentType: .json, body: healthBody, requestID: requestID)
    }

    private static let healthBody = Array("{\"status\":\"ok\"}".utf8)

    private static func notFound(_ requestID: String) -> HTTPAnswer {
        HTTPAnswer(
            status: 404,
            contentType: .awsJSON,
            body: AWSError(.unknownOperation, "There is nothing at this path.").jsonBody,
            requestID: requestID
        )
    }

    private func failure(
        _ error: AWSError,
        _ metrics: OperationMetrics,
        _ start: NIODeadline,
        _ requestID: String
    ) -> HTTPAnswer {
        metrics.count(error.code.name, nanoseconds: Self.elapsed(start))
        return HTTPAnswer(
            status: error.jsonStatus,
            contentType: .awsJSON,
            body: error.jsonBody,
            requestID: requestID
        )
    }
}
