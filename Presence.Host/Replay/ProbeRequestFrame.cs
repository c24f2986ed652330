using System.Globalization;
using Presence.Core.Events;

namespace Presence.Host.Replay;

/// <summary>Probe requests out of captured 802.11 frames with a radiotap header (link type 127).</summary>
internal static class ProbeRequestFrame
{
    /// <summary>The link type of such frames in pcap and pcapng.</summary>
    public const int LinkType = 127;

    // Frame control, duration, destination, source.
    private const int SourceAt = 10;
    private const int SourceEnd = 16;

    /// <summary>Reads one frame; false for what is no probe request or cannot be used, which is counted.</summary>
    public static bool TryRead(ReadOnlySpan<byte> frame, long at, string accessPoint, CaptureReport report, out CapturedProbe probe)
    {
        probe = default;
        report.CountRow();
        if (!Radiotap.TryRead(frame, out int length, out int? signal, out bool isDamaged))
            return Skip(report, CaptureSkip.Malformed, "the radiotap header is cut off or malformed");
        ReadOnlySpan<byte> body = frame[length..];
        if (body.Length < 2)
            return Skip(report, CaptureSkip.Malformed, "the 802.11 header is cut off");

        // Protocol version 0, type management (0), subtype probe request (4).
        if (body[0] != 0x40)
        {
            report.CountOtherFrame();
            return false;
        }

        if (isDamaged)
            return Skip(report, CaptureSkip.BadChecksum, "the receiver flagged a bad checksum");
        if (body.Length < SourceEnd)
            return Skip(report, CaptureSkip.Malformed, "the 802.11 header is cut off");
        if (!EventTime.IsValid(at))
            return Skip(report, CaptureSkip.Time, $"its time ({at} ms since 1970) is not between 2000 and 2100");
        if (signal is null)
            return Skip(report, CaptureSkip.RssiMissing, "the radiotap header has no antenna signal in dBm");
        if (signal is < -127 or > 0)
            return Skip(report, CaptureSkip.RssiUnusable, $"an antenna signal of {signal} dBm is not between -127 and 0");

        ReadOnlySpan<byte> source = body[SourceAt..SourceEnd];
        report.CountProbe();
        probe = new CapturedProbe(at, MacAddress.Format(source), accessPoint, signal.Value, MacAddress.IsLocallyAdministered(source));
        return true;
    }

    private static bool Skip(CaptureReport report, CaptureSkip reason, string detail)
    {
        report.Skip(reason, "frame " + report.Rows.ToString(CultureInfo.InvariantCulture), detail);
        return false;
    }
}
