internal import CofferEBS
internal import CofferShapes
internal import CofferTesting

// Volumes that are made: empty, of a snapshot, under a client token.
extension ModelRun {
    enum Creation {
        /// Under its token it was made before.
        case made(VolumeID)
        /// A volume, and why its making fails after the answer.
        case new(ModelVolume, failure: AWSError.Code?)
    }

    func createVolume() async throws {
        guard model.volumes.count < Self.most else { return try await removeVolume() }
        try await submit(request())
    }

    /// A volume of a snapshot: as large, larger, too small, under another key.
    func restoreVolume() async throws {
        guard model.volumes.count < Self.most else { return try await removeVolume() }
        guard let source = snapshot() else { return try await createSnapshot() }
        var request = request()
        request.snapshot = chance(4) ? Self.unknownSnapshot : source.id.text
        request.sizeBytes = [0, 0, source.size, source.size + 1 << 20, 1 << 20][below(5)]
        if request.isEncrypted == false, chance(70) { request.isEncrypted = nil }
        if source.isEncrypted, chance(50) { request.key = nil }
        try await submit(request)
    }

    /// What was asked for before, the same or changed a little.
    func repeatToken() async throws {
        guard let token = askedByToken.keys.sorted().randomElement(using: &random),
            var request = askedByToken[token]
        else { return try await createVolume() }
        guard model.volumes.count < Self.most else { return try await removeVolume() }
        switch below(6) {
        case 0: request.tags.append(Tag(key: "again", value: ""))
        case 1: request.sizeBytes += 1 << 20
        default: break
        }
        try await submit(request)
    }

    private func request() -> CreateVolumeRequest {
        var request = CreateVolumeRequest(
            sizeBytes: UInt64(1 + below(8)) << 20,
            isEncrypted: [nil, true, true, false][below(4)],
            dataUnitBytes: chance(25) ? 512 : 4096
        )
        if chance(request.isEncrypted == true ? 70 : 10) { request.key = keyReference() }
        (request.type, request.iops, request.throughput) = shape()
        request.tags = someTags()
        if chance(15), !request.tags.contains(where: { $0.key == "Name" }) {
            request.name = chance(5) ? "vol-mine" : one(of: ["one", "two", "three", "four"])
        }
        if chance(20) { request.clientToken = "t\(below(6))" }
        if chance(10) { request.zone = chance(30) ? "us-east-1b" : "us-east-1a" }
        if chance(2) { request.isMultiAttach = true }
        if chance(2) { request.sizeBytes = UInt64(below(1 << 20)) }
        return request
    }

    func shape() -> (VolumeType, iops: Int?, throughput: Int?) {
        let type = one(of: [VolumeType.gp3, .gp3, .gp3, .gp3, .gp2, .gp2, .standard, .io1, .st1])
        let iops = chance(12) ? one(of: [3000, 3000, 3001, 100, 80_001]) : nil
        return (type, iops, chance(12) ? one(of: [125, 200, 750, 751, 124]) : nil)
    }

    private func submit(_ request: CreateVolumeRequest) async throws {
        let waits = chance(50)
        let (creation, refusal) = foretold { () throws(Refused) in try foresee(request) }
        say("\(waits ? "create" : "begin to create") \(Self.words(of: request))")
        if let token = request.clientToken { askedByToken[token] = request }
        switch creation {
        case nil: _ = try await attempt(refusal) { try await self.create(request, waits: waits) }
        case .made(let id):
            let code = model.volume(id.text) == nil ? AWSError.Code.volumeNotFound : nil
            let found = try await attempt(code) { try await self.create(request, waits: waits) }
            guard found == nil || found?.id == id else { throw Difference("the token made another volume") }
        case .new(var volume, let failure):
            let made = try await attempt(waits ? failure : nil) {
                try await self.create(request, waits: waits)
            }
            await service.finishBegunWork()
            guard let made else { return try await compareVolumeCount() }
            (volume.id, volume.isFailed) = (made.id, failure != nil)
            add(volume)
            if let token = request.clientToken {
                model.tokens["create \(token)"] = (tokenWords(request), made.id)
            }
            try await compare(made.id)
        }
    }

    private func create(_ request: CreateVolumeRequest, waits: Bool) async throws -> Volume {
        if waits { return try await service.createVolume(request, caller: root) }
        return try await service.beginCreateVolume(request, caller: root)
    }

    // MARK: - What the model says

    /// The request with what its snapshot says, and that one; refused where it cannot be asked for.
    private func completed(
        _ request: CreateVolumeRequest
    ) throws(Refused) -> (CreateVolumeRequest, ModelSnapshot?) {
        guard let reference = request.snapshot else { return (request, nil) }
        guard let origin = model.snapshot(reference) else { throw Refused(.snapshotNotFound) }
        guard !origin.isFailed else { throw Refused(.incorrectState) }
        var request = request
        if request.sizeBytes == 0 { request.sizeBytes = origin.size }
        guard request.sizeBytes >= origin.size else { throw Refused(.invalidParameterValue) }
        if origin.isEncrypted {
            guard request.isEncrypted != false else { throw Refused(.invalidParameterValue) }
            request.isEncrypted = true
            request.key = request.key ?? KeyReference(origin.key.description)
        }
        request.dataUnitBytes = origin.dataUnitBytes
        return (request, origin)
    }

    private func foresee(_ asked: CreateVolumeRequest) throws(Refused) -> Creation {
        let (request, origin) = try completed(asked)
        let isEncrypted = request.isEncrypted == true || model.encryptsByDefault
        guard isEncrypted || request.key == nil else { throw Refused(.invalidParameterDependency) }
        var volume = try foresee(request, isEncrypted: isEncrypted)
        if let token = request.clientToken, let earlier = model.tokens["create \(token)"] {
            guard earlier.words == tokenWords(asked) else { throw Refused(.idempotentParameterMismatch) }
            return .made(earlier.volume)
        }
        try requireUnused(request.name)
        var failure: AWSError.Code?
        if isEncrypted {
            let reference =
                request.key ?? KeyReference((model.defaultKey ?? model.managedKey).description)
            let key = model.key(reference)
            volume.key = key ?? Self.foreseenARN(reference) ?? volume.key
            failure = key == nil ? .notFound : model.isUsable(key) ? nil : .disabled
        }
        (volume.snapshot, volume.fillKey) = (origin?.id, origin?.key)
        volume.content = origin?.content ?? ModelContent()
        if failure == nil, !model.isUsable(origin?.key) { failure = .disabled }
        return .new(volume, failure: failure)
    }

    /// What any volume has to be, one that is a copy too.
    func foresee(_ request: CreateVolumeRequest, isEncrypted: Bool) throws(Refused) -> ModelVolume {
        guard request.sizeBytes >= 1 << 20 else { throw Refused(.invalidParameterValue) }
        if let name = request.name, name.hasPrefix("vol-") { throw Refused(.invalidParameterValue) }
        if let code = Self.refusal(of: request.tags) { throw Refused(code) }
        if let zone = request.zone, zone != "us-east-1a" { throw Refused(.zoneNotFound) }
        if request.isMultiAttach { throw Refused(.ec2UnsupportedOperation) }
        var tags = request.tags.byKey
        if let name = request.name { tags["Name"] = name }
        guard let id = VolumeID(Self.unknownVolume) else { throw Refused(.internalError) }
        let unit = UInt64(request.dataUnitBytes)
        return ModelVolume(
            id: id,
            shape: try Self.shape(
                request.type,
                size: (request.sizeBytes + unit - 1) / unit * unit,
                iops: request.iops,
                throughput: request.throughput
            ),
            dataUnitBytes: request.dataUnitBytes,
            key: model.ownedKey,
            isEncrypted: isEncrypted,
            tags: tags
        )
    }

    /// What a volume of at most a GiB may be. (docs/volumes.md, "Growing")
    static func shape(
        _ type: VolumeType,
        size: UInt64,
        iops: Int?,
        throughput: Int?
    ) throws(Refused) -> ModelVolume.Shape {
        switch type {
        case .io1, .io2, .st1, .sc1: throw Refused(.invalidParameterValue)
        case .gp2, .standard:
            guard iops == nil, throughput == nil else { throw Refused(.invalidParameterCombination) }
            return ModelVolume.Shape(size: size, type: type, iops: type == .gp2 ? 100 : nil)
        case .gp3:
            guard iops == nil || iops == 3000, (125...750).contains(throughput ?? 125) else {
                throw Refused(.invalidParameterValue)
            }
            return ModelVolume.Shape(size: size, type: type, iops: 3000, throughput: throughput ?? 125)
        }
    }

    func requireUnused(_ name: String?) throws(Refused) {
        guard let name, model.volumes.contains(where: { $0.tags["Name"] == name }) else { return }
        throw Refused(.invalidParameterValue)
    }

    /// What makes a request another one for its token: what the snapshot decides counts as asked for.
    private func tokenWords(_ asked: CreateVolumeRequest) -> String {
        Self.words(of: (try? completed(asked).0) ?? asked)
    }

    static func words(of request: CreateVolumeRequest) -> String {
        var words = ["\(request.sizeBytes) bytes, \(request.type)"]
        func add(_ name: String, _ value: (some CustomStringConvertible)?) {
            if let value { words.append("\(name) \(value)") }
        }
        add("encrypted", request.isEncrypted)
        add("under", request.key)
        add("iops", request.iops)
        add("throughput", request.throughput)
        add("in", request.zone)
        add("of", request.snapshot)
        add("unit", request.dataUnitBytes)
        let tags = request.tags + (request.name.map { [Tag(key: "Name", value: $0)] } ?? [])
        add("tags", tags.sorted { ($0.key, $0.value) < ($1.key, $1.value) }.map { "\($0.key)=\($0.value)" })
        return words.joined(separator: ", ")
    }
}
