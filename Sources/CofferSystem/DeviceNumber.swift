internal import Glibc

/// A device's number as Linux puts it together; major(3) and minor(3) are macros.
package struct DeviceNumber: Sendable, Equatable {
    package let major: UInt32
    package let minor: UInt32

    package init(_ device: UInt) {
        major = UInt32(truncatingIfNeeded: device >> 8 & 0xFFF | device >> 32 & 0xFFFF_F000)
        minor = UInt32(truncatingIfNeeded: device & 0xFF | device >> 12 & 0xFFFF_FF00)
    }

    package init(major: UInt32, minor: UInt32) { (self.major, self.minor) = (major, minor) }
}
