namespace Presence.Host.Replay;

/// <summary>Why a row or frame of a capture gives no probe although it should.</summary>
public enum CaptureSkip
{
    /// <summary>The row has fewer fields than its header.</summary>
    ShortRow,

    /// <summary>No time, or one out of range.</summary>
    Time,

    /// <summary>The source is not a MAC address.</summary>
    Device,

    /// <summary>There is no signal strength.</summary>
    RssiMissing,

    /// <summary>The signal strength is not a whole number of dBm from -127 to 0.</summary>
    RssiUnusable,

    /// <summary>The receiver flagged the frame as damaged: its address cannot be trusted.</summary>
    BadChecksum,

    /// <summary>The frame or its radiotap header is cut off or malformed.</summary>
    Malformed,
}
