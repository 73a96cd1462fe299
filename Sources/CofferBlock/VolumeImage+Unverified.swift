extension VolumeImage {
    /// What the file of an unknown volume says of itself: the newer copy that can be read. Nothing in it is certain before
    /// a header is authenticated under the volume key.
    public static func unverifiedHeader(of store: any BlockStore) throws(HeaderError) -> VolumeHeader {
        let copies = [try copy(of: store, at: .a), try copy(of: store, at: .b)]
        let readable = copies.compactMap { try? $0.get() }
        guard let newest = readable.max(by: { $0.sequence < $1.sequence }) else {
            var faults: [CopyFault] = []
            for case .failure(let fault) in copies { faults.append(fault) }
            throw .noGoodCopy(a: faults[0], b: faults[1])
        }
        return newest
    }

    private static func copy(
        of store: any BlockStore,
        at place: HeaderCopy
    ) throws(HeaderError) -> Result<VolumeHeader, CopyFault> {
        var bytes = [UInt8](repeating: 0, count: HeaderLayout.copyBytes)
        let got: Int
        do {
            var elements = bytes.mutableSpan
            var span = unsafe elements.mutableBytes
            got = try store.read(into: &span, at: place.offset)
        } catch {
            throw .store(error)
        }
        guard got == bytes.count else { return .failure(.missing) }
        return Result { () throws(CopyFault) in try VolumeHeader(parsing: bytes, at: place) }
    }
}
