extension VolumeImage {
    /// Overwrites both copies with zeroes and syncs: the wrapped key is gone, and with it every way to the data. The
    /// volume must not be attached.
    public func erase() throws(HeaderError) {
        let zeroes = [UInt8](repeating: 0, count: HeaderLayout.copyBytes)
        try onStore { () throws(BlockError) in
            for place in HeaderCopy.allCases { unsafe try store.write(zeroes.span.bytes, at: place.offset) }
            try store.sync()
        }
    }
}
